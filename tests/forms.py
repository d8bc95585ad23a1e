"""Reading forms out of HTML, as a browser without JavaScript would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """Where a form goes, and what it sends besides its buttons; of a name's values the last."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, Form] = {}
        self._open: Form | None = None
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name = values.get("name", "")
        if tag == "form":
            self._open = Form(values.get("action", ""))
            self.forms[values.get("id", "")] = self._open
        elif tag == "option" and self._select:
            self._take_option(values)
        elif self._open is None or not name:
            return
        elif tag == "input":
            kind, checked = values.get("type", "text"), "checked" in values
            choice = kind in ("checkbox", "radio")
            if checked or not choice:
                self._open.fields[name] = values.get("value", "on" if choice else "")
        elif tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea = name
            self._open.fields[name] = ""

    def _take_option(self, values: dict[str, str]) -> None:
        """The selected one, or the first where none is."""
        if self._open and ("selected" in values or self._select not in self._open.fields):
            self._open.fields[self._select] = values.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._open and self._textarea:
            self._open.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._textarea:
            text = self._open.fields[self._textarea] if self._open else ""
            if self._open:  # the line end after the opening tag is none of the text's
                self._open.fields[self._textarea] = text.removeprefix("\r").removeprefix("\n")
            self._textarea = ""


def read_form(html: str, id: str) -> Form:
    """The form of this id. Raises KeyError."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms[id]
