"""The walker sees what it must: each kind of trouble, put into a good page, fails the look."""

import pytest

from tests.browser.conftest import Open

pytestmark = pytest.mark.browser

TROUBLES = {
    "CSP: script-src": "document.body.append(Object.assign(document.createElement('script'),"
    " {textContent: 'let inline'}))",
    "CSP: connect-src": "fetch('http://elsewhere.example/').catch(() => {})",
    "console: out of tea": "console.error('out of tea')",
    "page error: .*cold": "setTimeout(() => { throw Error('cold') })",
    "answered 404": "fetch('/nothing')",
    "scrolls sideways": "document.querySelector('main').style.minWidth = '200vw'",
    "axe image-alt": "document.querySelector('main').append(document.createElement('img'))",
}


@pytest.mark.parametrize("words", TROUBLES)
def test_trouble_is_seen(words: str, walk: Open) -> None:
    walker = walk()
    walker.open("/")
    walker.page.evaluate(f"() => {{ {TROUBLES[words]} }}")
    walker.page.evaluate("new Promise(done => setTimeout(done, 100))")
    with pytest.raises(AssertionError, match=words):
        walker.look()


def test_another_status_than_expected_is_seen(walk: Open) -> None:
    with pytest.raises(AssertionError, match="answered 404, not 200"):
        walk().open("/nothing")
