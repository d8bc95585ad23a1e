"""What a person chooses when they have a file made, and the payments in it in words."""

import secrets
from typing import Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from dashboard.payment_filter import PaymentFilter
from payments.exporting import COLUMNS, chosen
from payments.models import ExportFile
from payments.selecting import Selection

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
        choices=[(column.name, column.heading) for column in COLUMNS if not column.always],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("Order id, what for and the amounts are always there."),
    )
    key = forms.RegexField(KEY, widget=forms.HiddenInput)

    @classmethod
    def empty(cls, columns: str = "") -> "ExportForm":
        """With these columns ticked, their names with commas between; all where there is none."""
        ticked = chosen(columns.split(","))
        names = [column.name for column in ticked if not column.always]
        key = secrets.token_urlsafe(16)
        return cls(initial={"format": ExportFile.Format.CSV, "columns": names, "key": key})

    def clean_columns(self) -> list[str]:
        """With those that are always there, so that choosing nothing else is a choice."""
        names = {*self.cleaned_data["columns"]}
        return [column.name for column in COLUMNS if column.always or column.name in names]


def in_words(selection: Selection) -> list[str]:
    """What narrows a selection, as the list says it; empty for all payments."""
    form = PaymentFilter(QueryDict(selection.query))
    return [str(chip.words) for chip in form.chips()] if form.is_valid() else [selection.query]
