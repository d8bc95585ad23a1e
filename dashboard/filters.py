"""What a list is narrowed to, as it stands in the address bar."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.templatetags.ui import DELIVERY_STATES, PAYMENT_STATES
from payments.models import Delivery, Event, Payment
from payments.models.event import Kind
from tenants.current import today

LONGEST_PERIOD = 366
USUAL_PERIOD = 30


def _states(states: dict[str, tuple[str, str, Any]]) -> list[tuple[str, Any]]:
    words = [(state, word) for state, (_icon, _tone, word) in states.items()]
    return [("", gettext_lazy("All states")), *words]


class PaymentFilter(forms.Form):
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=_states(PAYMENT_STATES), required=False
    )
    q = forms.CharField(
        label=gettext_lazy("Order id"),
        max_length=50,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "pay_…"}),
    )

    def narrow(self, payments: QuerySet[Payment]) -> QuerySet[Payment]:
        """The order id may be shortened at its end, and at its beginning by `pay_`."""
        if state := self.cleaned_data["state"]:
            payments = payments.filter(state=state)
        if q := self.cleaned_data["q"].lower():
            payments = payments.filter(order_id__startswith=f"pay_{q.removeprefix('pay_')}")
        return payments


class EventFilter(forms.Form):
    kind = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[("", gettext_lazy("Everything")), *Kind.choices],
        required=False,
    )
    state = forms.ChoiceField(
        label=gettext_lazy("Delivery"), choices=_states(DELIVERY_STATES), required=False
    )

    def narrow(self, events: QuerySet[Event]) -> QuerySet[Event]:
        """By kind, and to those with a delivery in this state."""
        if kind := self.cleaned_data["kind"]:
            events = events.filter(kind=kind)
        if state := self.cleaned_data["state"]:
            some = Delivery.objects.filter(event=OuterRef("pk"), state=state)
            events = events.filter(Exists(some))
        return events


class DayField(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(input_formats=["%Y-%m-%d"], widget=widget, **kwargs)


class Period(forms.Form):
    """Some of the merchant's days: `from` to `to`, both included; and how they are grouped."""

    by = forms.ChoiceField(
        choices=[("day", gettext_lazy("By day")), ("method", gettext_lazy("By method"))],
        required=False,
        widget=forms.HiddenInput,
    )

    def __init__(self, data: Any) -> None:
        usual = {"to": today(), "from": today() - timedelta(days=USUAL_PERIOD - 1)}
        super().__init__(usual | {"by": "day"} | {name: data[name] for name in data if data[name]})
        self.fields["from"] = DayField(label=gettext_lazy("From"))
        self.fields["to"] = DayField(label=gettext_lazy("To"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        if "from" not in cleaned or "to" not in cleaned:
            return cleaned
        days = (cleaned["to"] - cleaned["from"]).days + 1
        if days < 1:
            self.add_error("to", _("Choose a day that is not before the first."))
        if days > LONGEST_PERIOD:
            longest = {"days": LONGEST_PERIOD}
            self.add_error("to", _("A report covers at most %(days)s days.") % longest)
        return cleaned

    @property
    def first(self) -> date:
        day: date = self.cleaned_data["from"]
        return day

    @property
    def last(self) -> date:
        day: date = self.cleaned_data["to"]
        return day
