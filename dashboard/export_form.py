"""What a person chooses when they have a file made, and the payments in it in words."""

import secrets
from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.templatetags.ui import PAYMENT_STATES
from payments.exporting import COLUMNS, chosen
from payments.methods import Method
from payments.models import ExportFile, Link
from payments.money import format_inr
from payments.selecting import NO, YES, Selection

KEY: Final = r"[A-Za-z0-9_-]{16,40}"
ANSWERS: Final = {YES: gettext_lazy("yes"), NO: gettext_lazy("no")}


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
        choices=[(column.name, column.heading) for column in COLUMNS],
        widget=forms.CheckboxSelectMultiple,
    )
    key = forms.RegexField(KEY, widget=forms.HiddenInput)

    @classmethod
    def empty(cls, columns: str = "") -> "ExportForm":
        """With these columns chosen, their names with commas between; all where there is none."""
        names = [column.name for column in chosen(columns.split(","))]
        key = secrets.token_urlsafe(16)
        return cls(initial={"format": ExportFile.Format.CSV, "columns": names, "key": key})


def in_words(selection: Selection) -> list[tuple[Any, str]]:
    """What narrows a selection, as labels and words; empty for all payments."""
    return [*_said(selection)]


def _said(selection: Selection) -> Iterator[tuple[Any, str]]:
    if selection.states:
        yield _("State"), ", ".join(str(PAYMENT_STATES[state][2]) for state in selection.states)
    if selection.methods:
        yield _("Method"), ", ".join(str(Method(method).label) for method in selection.methods)
    if selection.first:
        yield _("From"), date_format(selection.first)
    if selection.last:
        yield _("To"), date_format(selection.last)
    if selection.min_paise is not None:
        yield _("At least"), format_inr(selection.min_paise)
    if selection.max_paise is not None:
        yield _("At most"), format_inr(selection.max_paise)
    yield from _more(selection)


def _more(selection: Selection) -> Iterator[tuple[Any, str]]:
    if selection.link_id:
        link = Link.objects.filter(live=selection.live, pk=selection.link_id).first()
        yield _("Link"), str(link or "—")
    if selection.tag:
        yield _("Tag"), selection.tag
    if selection.refunded:
        yield _("Refunded"), str(ANSWERS[selection.refunded])
    if selection.settled:
        yield _("Paid out"), str(ANSWERS[selection.settled])
    if selection.words:
        yield _("Search"), " ".join(selection.words)
