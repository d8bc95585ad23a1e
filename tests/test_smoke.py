from tests import make
def test_smoke(in_acme, globex):
    link = make.link()
    assert link.pk
