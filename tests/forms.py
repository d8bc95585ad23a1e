"""Reading forms out of HTML, as a browser without JavaScript would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """Where a form goes, and what it sends besides its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, Form] = {}
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(values.get("action", ""))
            self.forms[values.get("id", "")] = self._open
        elif tag == "input" and self._open is not None and values.get("name"):
            kind, checked = values.get("type", "text"), "checked" in values
            if kind not in ("checkbox", "radio") or checked:
                self._open.fields[values["name"]] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def read_form(html: str, id: str) -> Form:
    """The form of this id. Raises KeyError."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms[id]
