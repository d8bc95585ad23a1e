"""A payment link: the standing offer to take money, and the file that made many of them."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.money import MAX_PAISE, MIN_PAISE


class Link(models.Model):
    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")
        ARCHIVED = "archived", _("Archived")

    class Asked(models.TextChoices):
        """Whether the payer is asked for something."""

        NO = "no", _("Not asked")
        OPTIONAL = "optional", _("Asked")
        REQUIRED = "required", _("Must be given")

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
    # Paise that an open link offers to choose from.
    suggestions = models.JSONField(default=list)
    # What else the payer is asked: see payments.questions.
    questions = models.JSONField(default=list)
    ask_name = models.CharField(max_length=8, choices=Asked, default=Asked.NO)
    ask_email = models.CharField(max_length=8, choices=Asked, default=Asked.NO)
    ask_phone = models.CharField(max_length=8, choices=Asked, default=Asked.NO)
    # Words of Method that Paytm may offer; empty for all.
    methods = models.JSONField(default=list)
    # The merchant's own: an invoice's number, and whatever the team wants to remember.
    reference = models.CharField(max_length=60, blank=True)
    notes = models.TextField(max_length=1000, blank=True)
    # What the payer reads after paying, and when the link is switched off.
    thanks = models.CharField(max_length=300, blank=True)
    closed_words = models.CharField(max_length=300, blank=True)
    starts_at = models.DateTimeField(null=True)
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
    # Where it came out of a file: which, and which of its rows.
    batch = models.ForeignKey(
        "payments.Batch", models.PROTECT, null=True, related_name="links", db_index=False
    )
    batch_row = models.IntegerField(null=True)
    # The transaction that wrote the row last, whatever is said here: a trigger fills it in.
    changed_by = models.BigIntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "batch_row"], name="link_batch_once"),
            models.CheckConstraint(
                name="link_batch_both",
                condition=models.Q(batch=None, batch_row=None)
                | models.Q(batch__isnull=False, batch_row__isnull=False),
            ),
            models.CheckConstraint(
                name="link_starts_first",
                condition=models.Q(starts_at=None)
                | models.Q(expires_at=None)
                | models.Q(starts_at__lt=models.F("expires_at")),
            ),
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
                | models.Q(state__in=["disabled", "archived"], disabled_at__isnull=False),
            ),
            models.UniqueConstraint(fields=["live", "request_key"], name="link_request_once"),
        ]
        indexes = [
            models.Index(fields=["live", "-created_at", "id"], name="link_newest"),
            models.Index(fields=["changed_by"], name="link_changed"),
        ]

    def __str__(self) -> str:
        return self.description

    @property
    def one_time(self) -> bool:
        return self.max_payments == 1

    @property
    def not_yet_open(self) -> bool:
        return self.starts_at is not None and self.starts_at > now()

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= now()


class LinkViews(models.Model):
    """How often a link's page was opened. Added to in batches, about once a second."""

    link = models.OneToOneField(Link, models.PROTECT, primary_key=True, related_name="views")
    seen = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.seen)


class Batch(models.Model):
    """A file whose rows become links, each once. The same file again is the same batch."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for your go")
        RUNNING = "running", _("Making links")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    name = models.CharField(max_length=120)
    # SHA-256 of what the file says, however it is written.
    digest = models.CharField(max_length=64)
    # The file as read, its heading first: a list of texts for each row, before them its number.
    # Empty rows are left out.
    rows = models.JSONField()
    total = models.IntegerField()
    # Rows that were gone through, in order; those with errors among them made no link.
    done = models.IntegerField(default=0)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    created_by_id = models.UUIDField(null=True)
    created_by_name = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["live", "digest"], name="batch_once"),
            models.CheckConstraint(
                name="batch_progress",
                condition=models.Q(done__gte=0) & models.Q(done__lte=models.F("total")),
            ),
        ]
        indexes = [models.Index(fields=["live", "-created_at", "id"], name="batch_newest")]

    def __str__(self) -> str:
        return self.name
