"""The form that makes a payment link."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.clock import now
from payments.forms import RupeesField
from payments.linking import Terms
from payments.models import Link
from payments.money import MAX_PAISE, MIN_PAISE, plain_inr

# Outside production a merchant may try with a site of its own machine.
RETURN_SCHEMES = ("https",) if settings.PRODUCTION else ("https", "http")
LONGEST_LIFE = timedelta(days=3652)
NO_ADDRESS = gettext_lazy("Enter a web address that begins with https://.")


def _amount_like(paise: int) -> forms.TextInput:
    return forms.TextInput(attrs={"placeholder": plain_inr(paise)})


class LinkForm(forms.Form):
    description = forms.CharField(
        label=gettext_lazy("What is it for?"),
        max_length=120,
        help_text=gettext_lazy("The payer sees this, such as “Invoice 1042” or “Yoga, March”."),
    )
    amount_is = forms.ChoiceField(
        label=gettext_lazy("Amount"),
        choices=[
            ("fixed", gettext_lazy("I set the amount")),
            ("open", gettext_lazy("The payer enters it")),
        ],
        initial="fixed",
        widget=forms.RadioSelect,
    )
    amount = RupeesField(label=gettext_lazy("Amount to pay"))
    least = RupeesField(
        label=gettext_lazy("At least"), required=False, widget=_amount_like(MIN_PAISE)
    )
    most = RupeesField(
        label=gettext_lazy("At most"), required=False, widget=_amount_like(MAX_PAISE)
    )
    payments = forms.ChoiceField(
        label=gettext_lazy("How often can it be paid?"),
        choices=[
            ("one", gettext_lazy("Once: an invoice, an order")),
            ("many", gettext_lazy("Any number of times: a shop counter, a donation page")),
        ],
        initial="one",
        widget=forms.RadioSelect,
    )
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Takes payments until"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    return_url = forms.CharField(
        label=gettext_lazy("Address to return to"),
        max_length=400,
        required=False,
        validators=[URLValidator(schemes=RETURN_SCHEMES, message=NO_ADDRESS)],
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
        help_text=gettext_lazy("A page of your own that the payer can go to after paying."),
    )
    surplus_policy = forms.ChoiceField(
        label=gettext_lazy("Money that nobody asked for"),
        choices=Link.SurplusPolicy.choices,
        initial=Link.SurplusPolicy.ASK,
        required=False,
        help_text=gettext_lazy(
            "Somebody may pay another amount, pay twice, or pay after the link was closed."
        ),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["amount"].required = (data or {}).get("amount_is") != "open"

    @classmethod
    def empty(cls) -> "LinkForm":
        return cls(initial={"key": uuid.uuid4()})

    def renew_key(self) -> None:
        """Let the form make another link when it is sent again."""
        self.data = dict(self.data.items()) | {"key": str(uuid.uuid4())}

    def clean_expires_at(self) -> Any:
        moment = self.cleaned_data["expires_at"]
        if moment and moment <= now():
            raise ValidationError(_("Choose a time that is still to come."))
        if moment and moment > now() + LONGEST_LIFE:
            raise ValidationError(_("Choose a time within the next ten years."))
        return moment

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        if (cleaned.get("least") or MIN_PAISE) > (cleaned.get("most") or MAX_PAISE):
            self.add_error("most", _("This is less than the least amount."))
        return cleaned

    @property
    def terms(self) -> Terms:
        """What a valid form asks for; fields of the choice not taken do not count."""
        sent = self.cleaned_data
        fixed = sent["amount_is"] == "fixed"
        return Terms(
            description=sent["description"],
            amount_paise=sent["amount"] if fixed else None,
            min_paise=MIN_PAISE if fixed else sent["least"] or MIN_PAISE,
            max_paise=MAX_PAISE if fixed else sent["most"] or MAX_PAISE,
            expires_at=sent["expires_at"],
            max_payments=1 if sent["payments"] == "one" else None,
            return_url=sent["return_url"],
            surplus_policy=sent["surplus_policy"] or Link.SurplusPolicy.ASK,
        )
