"""A payment link: the standing offer to take money."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.money import MAX_PAISE, MIN_PAISE


class Link(models.Model):
    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")

    class SurplusPolicy(models.TextChoices):
        """What becomes of money that nobody asked for."""

        ASK = "ask", _("Ask me each time")
        ACCEPT = "accept", _("Keep it as a sale")
        SEND_BACK = "send_back", _("Send it back")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    token = models.CharField(max_length=40, unique=True)
    description = models.CharField(max_length=120)
    # None: the payer enters the amount, within the two limits.
    amount_paise = models.BigIntegerField(null=True)
    min_paise = models.BigIntegerField(default=MIN_PAISE)
    max_paise = models.BigIntegerField(default=MAX_PAISE)
    expires_at = models.DateTimeField(null=True)
    # None: any number of payments.
    max_payments = models.IntegerField(null=True)
    # The form's own key: the same form sent twice makes one link.
    request_key = models.CharField(max_length=40, null=True)
    return_url = models.URLField(max_length=400, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    # When it was disabled; None while it is active. Money that came later is surplus.
    disabled_at = models.DateTimeField(null=True)
    surplus_policy = models.CharField(
        max_length=9, choices=SurplusPolicy, default=SurplusPolicy.ASK
    )
    created_at = models.DateTimeField(default=now)
    created_by_id = models.UUIDField(null=True)
    created_by_name = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="link_amounts",
                condition=models.Q(min_paise__gte=MIN_PAISE)
                & models.Q(max_paise__lte=MAX_PAISE)
                & models.Q(min_paise__lte=models.F("max_paise"))
                & (
                    models.Q(amount_paise=None)
                    | models.Q(amount_paise__gte=MIN_PAISE, amount_paise__lte=MAX_PAISE)
                ),
            ),
            models.CheckConstraint(
                name="link_max_payments",
                condition=models.Q(max_payments=None) | models.Q(max_payments__gte=1),
            ),
            models.CheckConstraint(
                name="link_disabled_since",
                condition=models.Q(state="active", disabled_at=None)
                | models.Q(state="disabled", disabled_at__isnull=False),
            ),
            models.UniqueConstraint(fields=["live", "request_key"], name="link_request_once"),
        ]
        indexes = [models.Index(fields=["live", "-created_at", "id"], name="link_newest")]

    def __str__(self) -> str:
        return self.description

    @property
    def one_time(self) -> bool:
        return self.max_payments == 1

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= now()
