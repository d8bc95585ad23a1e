"""Form fields for money."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from payments.money import MAX_PAISE, MIN_PAISE, BadAmount, format_inr, parse_inr, plain_inr
from tenants.models import PageReport


class RupeesField(forms.CharField):
    """An amount typed in rupees; cleans to paise, within `low` and `high` paise."""

    def __init__(self, *, low: int = MIN_PAISE, high: int = MAX_PAISE, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)
        self.low, self.high = low, high
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off", "data-prefix": "₹"}

    def prepare_value(self, value: Any) -> Any:
        return plain_inr(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            paise = parse_inr(text)
        except BadAmount as error:
            raise ValidationError(
                _("Enter an amount in rupees with plain digits, such as 499 or 499.50.")
            ) from error
        if not self.low <= paise <= self.high:
            limits = {"low": format_inr(self.low), "high": format_inr(self.high)}
            raise ValidationError(_("Enter an amount from %(low)s to %(high)s.") % limits)
        return paise


class PayForm(forms.Form):
    """What a payer sends: an amount where the link is open, and the form's own key."""

    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,40}\Z", required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, link: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fixed_paise = link.amount_paise
        if link.amount_paise is None:
            self.fields["amount"] = _payers_amount(link.min_paise, link.max_paise)

    @property
    def paise(self) -> int:
        """What is to be paid, whatever else was posted."""
        return int(self.fixed_paise or self.cleaned_data["amount"])


def _payers_amount(low: int, high: int) -> RupeesField:
    limits = {"low": format_inr(low), "high": format_inr(high)}
    field = RupeesField(
        label=_("Amount"), low=low, high=high, help_text=_("From %(low)s to %(high)s.") % limits
    )
    field.widget.attrs["class"] = "pay-amount-input"
    return field


class ReportForm(forms.Form):
    """A payer's complaint about a page."""

    reason = forms.ChoiceField(label=_("What is wrong?"), choices=PageReport.Reason.choices)
    words = forms.CharField(
        label=_("Tell us more"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
