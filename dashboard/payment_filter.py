"""What the list of payments is narrowed to, see dashboard.finder."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.finder import OPERATORS, Finder, choices, field, yes_or_no
from dashboard.templatetags.ui import PAYMENT_STATES
from payments.annotating import LONGEST_TAG, BadTag, tag_name
from payments.selecting import NO, YES, Selection

STATES: Final = [(state, word) for state, (_icon, _tone, word) in PAYMENT_STATES.items()]
REFUNDED: Final = {YES: gettext_lazy("Refunded"), NO: gettext_lazy("Not refunded")}
SETTLED: Final = {YES: gettext_lazy("Paid out"), NO: gettext_lazy("Not paid out yet")}


class TagField(forms.CharField):
    def clean(self, value: Any) -> str:
        text = super().clean(value)
        try:
            return tag_name(text) if text else ""
        except BadTag:
            words = _('A tag has at most %(n)s characters, none of them : " , & ? # %%')
            raise forms.ValidationError(words % {"n": LONGEST_TAG}) from None


class PaymentFilter(Finder):
    """The one form of every place that narrows payments. Valid, it gives the `selection`."""

    operators = {
        "status": lambda value: choices("status", value, STATES, {}),
        **OPERATORS,
        "tag": lambda value: field("tag", value, TagField()),
        "refunded": lambda value: yes_or_no("refunded", value),
        "settled": lambda value: yes_or_no("settled", value),
    }
    in_words = {
        "status": dict(STATES).__getitem__,
        "tag": lambda value: _("Tag: %s") % value,
        "refunded": REFUNDED.__getitem__,
        "settled": SETTLED.__getitem__,
    }
    groups_of = (
        *(("status",), ("method",), ("from", "to"), ("min", "max")),
        *(("refunded", "settled"), ("tag",)),
    )
    example = (
        "status:failed amount:>5000 method:upi tag:vip refunded:yes settled:no from:2026-04-01"
    )

    status = forms.MultipleChoiceField(
        label=gettext_lazy("State"),
        choices=STATES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    refunded = forms.ChoiceField(
        label=gettext_lazy("Refunds"),
        choices=[("", gettext_lazy("All")), *REFUNDED.items()],
        required=False,
    )
    settled = forms.ChoiceField(
        label=gettext_lazy("Payout"),
        choices=[("", gettext_lazy("All")), *SETTLED.items()],
        required=False,
    )
    tag = TagField(label=gettext_lazy("Tag"), required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["q"].widget.attrs["placeholder"] = _("Name, phone, ID, note…")

    def selection(self, live: bool) -> Selection:
        return self.selected(Selection, live)
