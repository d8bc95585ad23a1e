"""The form of an endpoint, and what its page offers."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.clock import now
from merchants.endpoints import Terms
from merchants.models import Endpoint
from payments.models.event import Kind
from payments.safe_http import LONGEST, BadAddress, check

SUBSCRIBABLE = [choice for choice in Kind.choices if choice[0] != Kind.TEST]
LONGEST_REPLAY_DAYS = 90

# Why we would never send to an address → what the form says.
WORDS = {
    "scheme": gettext_lazy("Enter a web address that begins with https://."),
    "userinfo": gettext_lazy("Leave out the name and password before the host."),
    "fragment": gettext_lazy("Leave out the part from # on: it is never sent."),
    "port": gettext_lazy("Only the ports 443 and 8443 can be used."),
    "private": gettext_lazy("This address is not on the public internet."),
    "host": gettext_lazy("This host name cannot be right."),
    "too_long": gettext_lazy("An address has at most 400 characters."),
}
ODD = gettext_lazy("This is not a web address.")


class EndpointForm(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=LONGEST,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
        help_text=gettext_lazy("We POST each event here, as JSON."),
    )
    description = forms.CharField(
        label=gettext_lazy("What it is for"), max_length=80, required=False
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Events it wants"),
        choices=SUBSCRIBABLE,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: all of them, new kinds too."),
    )

    def clean_url(self) -> str:
        try:
            return check(self.cleaned_data["url"])
        except BadAddress as error:
            raise ValidationError(str(WORDS.get(error.reason, ODD))) from error

    @property
    def terms(self) -> Terms:
        sent = self.cleaned_data
        return Terms(sent["url"], sent["description"], sent["kinds"])


class NewEndpointForm(EndpointForm):
    key = forms.UUIDField(widget=forms.HiddenInput)

    @classmethod
    def empty(cls) -> "NewEndpointForm":
        return cls(initial={"key": uuid.uuid4()})


def form_of(endpoint: Endpoint) -> EndpointForm:
    names = ("url", "description", "kinds")
    return EndpointForm(initial={name: getattr(endpoint, name) for name in names})


class ReplayForm(forms.Form):
    since = forms.DateTimeField(
        label=gettext_lazy("All events since"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )

    def clean_since(self) -> Any:
        age = now() - self.cleaned_data["since"]
        if not 0 <= age.days < LONGEST_REPLAY_DAYS:
            most = {"days": LONGEST_REPLAY_DAYS}
            raise ValidationError(_("Choose a time within the last %(days)s days.") % most)
        return self.cleaned_data["since"]
