"""What a list is narrowed to, as it stands in the address bar."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy

from dashboard.finder import DayField
from dashboard.payment_filter import PaymentFilter
from dashboard.templatetags.ui import DELIVERY_STATES
from payments.models import Delivery, Event
from payments.models.event import Kind

__all__ = ["DayField", "EventFilter", "PaymentFilter"]


def _states(states: dict[str, tuple[str, str, Any]]) -> list[tuple[str, Any]]:
    words = [(state, word) for state, (_icon, _tone, word) in states.items()]
    return [("", gettext_lazy("All states")), *words]


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
