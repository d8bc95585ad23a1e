"""What the CSP refuses must not be written in the first place."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

TEMPLATES = settings.ROOT / "templates"
PAGES = sorted(
    path
    for path in TEMPLATES.rglob("*.html")
    if "emails" not in path.parts and path.name != "email.html"  # mail readers know no sheets
)
REFUSED = {
    "style attribute": r"<[^>]*\sstyle=",
    "style element": r"<style",
    "event attribute": r"<[a-z][^>]*\son[a-z]+=",
    "hx-on": r"\shx-on",
    "event filter": r'hx-trigger="[^"]*\[',
    "foreign address": r'<(script|link|img)[^>]*(src|href)="(https?:)?//',
    "inline script": r'<script(?![^>]*(\ssrc=|type="application/json"))',
}
named = {"ids": [str(path.relative_to(TEMPLATES)) for path in PAGES]}


@pytest.mark.parametrize("path", PAGES, **named)  # type: ignore[arg-type]
def test_page_compiles_and_holds_nothing_the_csp_refuses(path: Path) -> None:
    get_template(str(path.relative_to(TEMPLATES)))
    text = path.read_text()
    assert not [what for what, pattern in REFUSED.items() if re.search(pattern, text)]


def test_every_icon_named_in_a_template_exists() -> None:
    icons = json.loads((settings.ROOT / "dashboard" / "icons.json").read_text())
    naming = re.compile(r'(?:\{% (?:icon|empty_state) |icon=)"([a-z0-9-]+)"')
    used = {name for path in PAGES for name in naming.findall(path.read_text())}
    assert used <= set(icons)
