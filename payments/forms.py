"""Form fields for money."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from merchants.models import PHONE
from merchants.profile import refuse_invisible
from payments import questions
from payments.collecting import Told
from payments.models import Link
from payments.money import (
    MAX_PAISE,
    MIN_PAISE,
    BadAmount,
    format_inr,
    parse_inr,
    plain_inr,
    ungrouped,
)
from tenants.models import PageReport


class RupeesField(forms.CharField):
    """An amount typed in rupees; cleans to paise, within `low` and `high` paise. `pasted`: it may
    have the sign and the commas that our pages print."""

    def __init__(
        self, *, low: int = MIN_PAISE, high: int = MAX_PAISE, pasted: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(max_length=20, **kwargs)
        self.low, self.high, self.pasted = low, high, pasted
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off", "data-prefix": "₹"}

    def prepare_value(self, value: Any) -> Any:
        return plain_inr(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            paise = parse_inr(ungrouped(text) if self.pasted else text)
        except BadAmount as error:
            raise ValidationError(
                _("Enter an amount in rupees with plain digits, such as 499 or 499.50.")
            ) from error
        if not self.low <= paise <= self.high:
            limits = {"low": format_inr(self.low), "high": format_inr(self.high)}
            raise ValidationError(_("Enter an amount from %(low)s to %(high)s.") % limits)
        return paise


class PayForm(forms.Form):
    """What a payer sends: an amount where the link is open, what the merchant asks for, and the
    form's own key. `offer` is the price that the page showed."""

    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,40}\Z", required=False, widget=forms.HiddenInput)
    offer = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, link: Link, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fixed_paise = link.amount_paise
        self.questions = questions.read(link.questions)
        self.initial["offer"] = link.amount_paise
        self.fields |= self._amount(link) | _details(link)
        self.fields |= {
            questions.name_of(n): questions.field_of(each) for n, each in enumerate(self.questions)
        }

    @staticmethod
    def _amount(link: Link) -> dict[str, forms.Field]:
        if link.amount_paise is not None:
            return {}
        amount = _payers_amount(link.min_paise, link.max_paise)
        if not link.suggestions:
            return {"amount": amount}
        amount.required = False
        amount.label = _("Or another amount")
        return {"choice": _suggested(link.suggestions), "amount": amount}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        if "choice" not in self.fields or self.errors:
            return cleaned
        chosen, typed = cleaned["choice"], cleaned["amount"]
        if chosen and typed and int(chosen) != typed:
            self.add_error("amount", _("Choose an amount above or enter one here, not both."))
        elif not chosen and not typed:
            self.add_error("amount", _("Choose an amount above or enter one here."))
        return cleaned

    @property
    def paise(self) -> int:
        """What is to be paid, whatever else was posted."""
        sent = self.cleaned_data
        return int(self.fixed_paise or sent["amount"] or sent["choice"])

    @property
    def is_of_old_price(self) -> bool:
        """Whether the page that sent this showed another price than is asked now."""
        offer = self.cleaned_data["offer"]
        return None not in (offer, self.fixed_paise) and offer != self.fixed_paise

    @property
    def told(self) -> Told:
        """What the payer said of themselves, in the language that they read."""
        sent = self.cleaned_data
        return Told(
            payer_name=sent.get("payer_name", ""),
            payer_email=sent.get("payer_email", ""),
            payer_phone=sent.get("payer_phone", ""),
            answers=questions.answers(self.questions, sent),
            language=get_language() or "en",
        )


def _payers_amount(low: int, high: int) -> RupeesField:
    limits = {"low": format_inr(low), "high": format_inr(high)}
    field = RupeesField(
        label=_("Amount"), low=low, high=high, help_text=_("From %(low)s to %(high)s.") % limits
    )
    field.widget.attrs["class"] = "pay-amount-input"
    return field


def _suggested(suggestions: list[int]) -> forms.ChoiceField:
    choices = [(str(paise), format_inr(paise)) for paise in suggestions]
    radios = forms.RadioSelect(attrs={"data-fills": "#id_amount"})
    return forms.ChoiceField(label=_("Amount"), choices=choices, required=False, widget=radios)


def _details(link: Link) -> dict[str, forms.Field]:
    """Name, e-mail and phone, as far as the link asks for them."""
    every = {
        "payer_name": (link.ask_name, _name()),
        "payer_email": (link.ask_email, _email()),
        "payer_phone": (link.ask_phone, _phone()),
    }
    asked = {name: each for name, (ask, each) in every.items() if ask != Link.Asked.NO}
    for name, field in asked.items():
        field.required = every[name][0] == Link.Asked.REQUIRED
    return asked


def _name() -> forms.Field:
    widget = forms.TextInput(attrs={"autocomplete": "name"})
    return forms.CharField(
        label=_("Your name"), max_length=80, validators=[refuse_invisible], widget=widget
    )


def _email() -> forms.Field:
    widget = forms.EmailInput(attrs={"autocomplete": "email"})
    return forms.EmailField(
        label=_("Your e-mail"), help_text=_("Your receipt goes there."), widget=widget
    )


def _phone() -> forms.Field:
    widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"})
    return forms.CharField(
        label=_("Your phone number"), max_length=20, validators=[PHONE], widget=widget
    )


class ReportForm(forms.Form):
    """A payer's complaint about a page."""

    reason = forms.ChoiceField(label=_("What is wrong?"), choices=PageReport.Reason.choices)
    words = forms.CharField(
        label=_("Tell us more"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
