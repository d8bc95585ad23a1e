"""What a person chooses when they have a file made, and what is in it in words."""

import secrets
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from dashboard import lists
from dashboard.lists import LISTS, List
from payments.export_files import OF, Selected
from payments.models import ExportFile

KEY: Final = r"[A-Za-z0-9_-]{16,40}"


class ExportForm(forms.Form):
    """A format and columns. The key makes the same form, sent twice, one file."""

    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        choices=ExportFile.Format.choices,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("CSV opens everywhere and has room for any number of rows."),
    )
    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Columns"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    key = forms.RegexField(KEY, widget=forms.HiddenInput)

    def __init__(self, listed: List, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.there_are = OF[listed.of].columns
        columns: Any = self.fields["columns"]
        columns.choices = [(each.name, each.heading) for each in self.there_are if not each.always]
        columns.help_text = listed.always

    @classmethod
    def empty(cls, listed: List, columns: str = "") -> "ExportForm":
        """With these columns ticked, their names with commas between; all where there is none."""
        ticked = OF[listed.of].chosen(columns.split(","))
        names = [column.name for column in ticked if not column.always]
        key = secrets.token_urlsafe(16)
        initial = {"format": ExportFile.Format.CSV, "columns": names, "key": key}
        return cls(listed, initial=initial)

    def clean_columns(self) -> list[str]:
        """With those that are always there, so that choosing nothing else is a choice."""
        names = {*self.cleaned_data["columns"]}
        return [column.name for column in self.there_are if column.always or column.name in names]


def in_words(selection: Selected) -> list[str]:
    """What narrows a selection, as its list says it; empty for everything."""
    words = lists.in_words(LISTS[selection.of], selection.query)
    return [selection.query] if words is None else words
