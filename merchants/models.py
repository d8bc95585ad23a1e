"""The tenant's schema: the organisation and its Paytm accounts."""

import secrets
import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.paytm.hosts import HOSTS

GSTIN = RegexValidator(
    r"^[0-3][0-9][A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]\Z",
    _("A GSTIN has 15 characters, like 29ABCDE1234F1Z5."),
)
PHONE = RegexValidator(
    r"^\+?[0-9][0-9 -]{6,18}[0-9]\Z", _("Enter a phone number: digits, spaces, maybe a leading +.")
)


# Where a simulator that was taken away is asked: reserved never to exist (RFC 2606).
NOWHERE = "http://simulator.invalid"


def new_secret_part() -> str:
    """128 random bits, as they end every public token."""
    return secrets.token_urlsafe(16)


class Profile(models.Model):
    """The merchant as payers see it. One row, made with the schema."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    legal_name = models.CharField(max_length=120, blank=True)
    gstin = models.CharField(max_length=15, blank=True, validators=[GSTIN])
    support_email = models.EmailField(blank=True)
    support_phone = models.CharField(max_length=20, blank=True, validators=[PHONE])
    logo_png = models.BinaryField(null=True)
    logo_version = models.CharField(max_length=16, blank=True)
    # The merchant's colour as #rrggbb, "" for the product's; and what a payer agrees to.
    colour = models.CharField(max_length=7, blank=True)
    terms = models.TextField(max_length=5000, blank=True)
    terms_url = models.CharField(max_length=400, blank=True)
    # With the tenant's key in front these name the addresses that Paytm is told.
    test_secret = models.CharField(max_length=22, default=new_secret_part)
    live_secret = models.CharField(max_length=22, default=new_secret_part)

    class Meta:
        constraints = [
            models.CheckConstraint(name="profile_one_row", condition=models.Q(id=1)),
        ]

    def __str__(self) -> str:
        return self.legal_name

    def paytm_secret(self, live: bool) -> str:
        return self.live_secret if live else self.test_secret


class RefundRules(models.Model):
    """What this merchant's people may give back; see merchants.refund_rules. One row, made when
    it is first needed."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    reasons = models.JSONField(default=list)
    approve_above_paise = models.BigIntegerField(null=True)
    # Role → [paise at once, paise a day], each perhaps null.
    ceilings = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(name="refund_rules_one_row", condition=models.Q(id=1)),
            models.CheckConstraint(
                name="refund_rules_limit",
                condition=models.Q(approve_above_paise=None) | models.Q(approve_above_paise__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return "refund rules"


class DataKey(models.Model):
    """A key that seals this merchant's secrets, wrapped by a master key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wrapped = models.TextField()
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return str(self.pk)


class PaytmAccount(models.Model):
    """A MID and its key. Replaced, never changed: old payments keep asking with their own."""

    class Environment(models.TextChoices):
        SIMULATOR = "simulator", _("Simulator")
        STAGING = "staging", _("Paytm staging")
        PRODUCTION = "production", _("Paytm production")

    class State(models.TextChoices):
        ACTIVE = "active", _("In use")
        RETIRED = "retired", _("Replaced")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.CharField(max_length=10, choices=Environment)
    live = models.BooleanField()
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    mid = models.CharField(max_length=20)
    website = models.CharField(max_length=30)
    legacy_host = models.BooleanField(default=False)
    sealed_key = models.TextField()
    key_last4 = models.CharField(max_length=4)
    key_fingerprint = models.CharField(max_length=16)
    diagnosis = models.CharField(max_length=20, blank=True)
    checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)
    created_by_id = models.UUIDField(null=True)
    created_by_name = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="account_live_is_production",
                condition=models.Q(live=True, environment="production")
                | (models.Q(live=False) & ~models.Q(environment="production")),
            ),
            models.UniqueConstraint(
                fields=["live"], name="account_one_active", condition=models.Q(state="active")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mid} ({self.get_environment_display()})"

    @property
    def base_url(self) -> str:
        """Where this account's Paytm answers: Paytm's own hosts, or the simulator's."""
        if self.environment == self.Environment.SIMULATOR:
            return str(settings.SIMULATOR_URL or NOWHERE)
        hosts = HOSTS[self.environment]
        return hosts.legacy if self.legacy_host else hosts.current


class Signer(models.Model):
    """Something that signs what we send, with a secret of its own; see merchants.signing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    sealed_secret = models.TextField()
    secret_last4 = models.CharField(max_length=4)
    # The one before it, which signs beside it until that moment.
    sealed_old_secret = models.TextField(blank=True)
    old_secret_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        abstract = True


class ReturnKey(Signer):
    """What signs the addresses that payers go back to: one for each world."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["live"], name="return_key_once")]

    def __str__(self) -> str:
        return f"…{self.secret_last4}"


class Endpoint(Signer):
    """An address of the merchant's that is told of events. Switched off, never removed."""

    class State(models.TextChoices):
        ENABLED = "enabled", _("Enabled")
        DISABLED = "disabled", _("Disabled")
        STOPPED = "stopped", _("Stopped by us")

    class Why(models.TextChoices):
        """Why we stopped sending to it."""

        GONE = "gone", _("It answered 410: gone for good")
        FAILING = "failing", _("For five days nothing was accepted")
        NONE = "", _("Not stopped")

    url = models.CharField(max_length=400)
    description = models.CharField(max_length=80, blank=True)
    # Words of payments.models.event.Kind; empty for all, those to come too.
    kinds = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State, default=State.ENABLED)
    stopped_why = models.CharField(max_length=7, choices=Why, default=Why.NONE, blank=True)
    changed_at = models.DateTimeField(default=now)
    # Since when nothing was accepted; None after a success.
    failing_since = models.DateTimeField(null=True)
    # How many attempts in a row found nobody, and until when we leave it alone for that.
    unanswered = models.SmallIntegerField(default=0)
    resting_until = models.DateTimeField(null=True)
    # A lease by the database's clock: one worker sends to it at a time.
    busy_until = models.DateTimeField(null=True)
    created_by_id = models.UUIDField(null=True)
    created_by_name = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="endpoint_stopped_why",
                condition=models.Q(state="stopped", stopped_why__in=["gone", "failing"])
                | (~models.Q(state="stopped") & models.Q(stopped_why="")),
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.url

    @property
    def enabled(self) -> bool:
        return self.state == self.State.ENABLED

    def wants(self, kind: str) -> bool:
        """Whether events of this kind are for it."""
        return not self.kinds or kind in self.kinds


class AuditEvent(models.Model):
    """Who did what in this merchant, and when. Written with the deed, never changed."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=now)
    by_id = models.UUIDField(null=True)
    by_name = models.CharField(max_length=80)
    act = models.CharField(max_length=40)
    subject = models.CharField(max_length=120, blank=True)
    # The row it was done to, and its world, where there is one.
    subject_id = models.UUIDField(null=True)
    live = models.BooleanField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["by_id", "-id"], name="audit_by_person"),
            models.Index(fields=["act", "-id"], name="audit_by_act"),
            models.Index(fields=["at"], name="audit_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.by_name}: {self.act}"


class Seen(models.Model):
    """The last day on which a person of the team was here; see merchants.presence."""

    user_id = models.UUIDField(primary_key=True)
    on = models.DateField()

    def __str__(self) -> str:
        return str(self.on)


class Notice(models.Model):
    """Something one person of the team is told in the dashboard; see merchants.noticing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    args = models.JSONField(default=dict)
    url = models.CharField(max_length=400)
    created_at = models.DateTimeField(default=now)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user_id", "-created_at", "id"], name="notice_newest"),
            models.Index(
                fields=["user_id"], name="notice_unread", condition=models.Q(read_at=None)
            ),
            models.Index(fields=["created_at"], name="notice_oldest"),
        ]

    def __str__(self) -> str:
        return self.kind
