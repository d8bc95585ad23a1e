"""The drawing in the docs is the table that the code obeys."""

from pathlib import Path

from django.conf import settings

from payments import drawing


def test_the_docs_draw_the_states_as_they_are() -> None:
    kept = Path(settings.ROOT, "docs", "states.md").read_text()
    assert kept == drawing.page(), "run: python -m payments.drawing > docs/states.md"


def test_a_success_has_no_way_back() -> None:
    page = drawing.page()
    assert "failed --> paid" in page
    for end in ("paid", "surplus"):
        assert f"    {end} --> [*]" in page
        assert page.count(f"    {end} --> ") == 1
