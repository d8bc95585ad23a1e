"""The public schema: merchants as tenants, the people, and the queue.

Tenant schemas hold no people; links from them to a User are plain ids.
"""

import secrets
import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from config.clock import now

KEY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
KEY_LENGTH = 10


def new_key() -> str:
    """A tenant's opaque key: ten letters and digits, of no meaning, fixed for ever."""
    return "".join(secrets.choice(KEY_ALPHABET) for _ in range(KEY_LENGTH))


class Tenant(TenantMixin):  # type: ignore[misc]  # the library has no types
    """One merchant organisation, its schema and its state.

    A `ready` tenant is a migrated schema nobody has claimed: it has no slug yet.
    """

    class State(models.TextChoices):
        READY = "ready", _("Ready")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    class LiveState(models.TextChoices):
        TEST_ONLY = "test_only", _("Test only")
        ASKED = "asked", _("Asked for live mode")
        APPROVED = "approved", _("Live")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=KEY_LENGTH, unique=True, default=new_key, editable=False)
    slug = models.SlugField(max_length=40, unique=True, null=True)
    name = models.CharField(max_length=80, blank=True)
    time_zone = models.CharField(max_length=40, default="Asia/Kolkata")
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    live_state = models.CharField(max_length=10, choices=LiveState, default=LiveState.TEST_ONLY)
    schema_version = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=now)

    auto_create_schema = False  # tenants.provisioning creates schemas, in one transaction

    class Meta:
        db_table = "tenant"
        constraints = [
            models.CheckConstraint(
                name="tenant_claimed_has_slug",
                condition=models.Q(state="ready", slug=None)
                | (~models.Q(state="ready") & models.Q(slug__isnull=False)),
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="tenant_state")]

    def __str__(self) -> str:
        return self.name or self.key

    @property
    def live_open(self) -> bool:
        return self.live_state == self.LiveState.APPROVED


class Domain(DomainMixin):  # type: ignore[misc]
    """A host name of a merchant's own for its public pages."""

    class Meta:
        db_table = "domain"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who signs in with this e-mail address, kept in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person. One login for all merchants they work for."""

    class StaffRole(models.TextChoices):
        NONE = "", _("Not staff")
        SUPPORT = "support", _("Platform support")
        ADMIN = "admin", _("Platform admin")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80, blank=True)
    staff_role = models.CharField(
        max_length=10, choices=StaffRole, default=StaffRole.NONE, blank=True
    )
    # One of settings.LANGUAGES, "" for who never chose.
    language = models.CharField(max_length=2, blank=True, default="", db_default="")
    is_active = models.BooleanField(default=True)
    # Part of what signs a person's sessions: raising it ends every one of them.
    session_epoch = models.IntegerField(default=0)
    date_joined = models.DateTimeField(default=now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "person"

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def reads(self) -> str:
        """The language of what is sent to this person."""
        return self.language or settings.LANGUAGE_CODE

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        hashed: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        return f"{hashed}{self.session_epoch}"


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    FINANCE = "finance", _("Finance")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """A person's place in a merchant's team."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["user", "tenant"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


def new_invitation_token() -> str:
    return secrets.token_urlsafe(24)


class Invitation(models.Model):
    """An offer, by mail, to join a merchant's team. Accepted once, or it expires."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.CharField(max_length=40, unique=True, default=new_invitation_token)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role)
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "invitation"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "email"], name="invitation_once"),
        ]

    def __str__(self) -> str:
        return self.email


class PageReport(models.Model):
    """A payer's "report this page": kept by the platform, seen by its staff."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        DISMISSED = "dismissed", _("Nothing wrong")
        ACTED = "acted", _("Acted on")

    class Reason(models.TextChoices):
        FRAUD = "fraud", _("It looks like a fraud")
        WRONG = "wrong", _("It is not who it says it is")
        FORBIDDEN = "forbidden", _("It sells what may not be sold")
        OTHER = "other", _("Something else")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="page_reports")
    link_token = models.CharField(max_length=64)
    reason = models.CharField(max_length=20)
    words = models.TextField(max_length=1000, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    handled_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    handled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "page_report"
        indexes = [models.Index(fields=["state", "created_at"], name="page_report_state")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.reason}"

    @property
    def reason_label(self) -> str:
        """The payer's choice in words."""
        return str(self.Reason(self.reason).label)


class StaffAct(models.Model):
    """What platform staff did to a merchant: who, what, when, why."""

    class Act(models.TextChoices):
        CREATED = "created", _("Created")
        APPROVED = "approved", _("Approved for live mode")
        SUSPENDED = "suspended", _("Suspended")
        RESUMED = "resumed", _("Resumed")
        REPORT_DISMISSED = "report_dismissed", _("Closed a report: nothing wrong")
        REPORT_ACTED = "report_acted", _("Closed a report: acted on")

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="staff_acts")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    act = models.CharField(max_length=30)
    words = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=now)

    class Meta:
        db_table = "staff_act"

    def __str__(self) -> str:
        return f"{self.act} · {self.tenant}"

    @property
    def act_label(self) -> str:
        """The act in words."""
        return str(self.Act(self.act).label)


class TenantDay(models.Model):
    """Roll-up of one merchant's day for the platform's screens. Absolute values, in paise."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="days")
    live = models.BooleanField()
    day = models.DateField()
    sales_count = models.BigIntegerField(default=0)
    sales_paise = models.BigIntegerField(default=0)
    refunds_paise = models.BigIntegerField(default=0)

    class Meta:
        db_table = "tenant_day"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "live", "day"], name="tenant_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.day}"


class CaughtMail(models.Model):
    """A mail that demo or test mode caught instead of sending."""

    id = models.BigAutoField(primary_key=True)
    to = models.CharField(max_length=320)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    at = models.DateTimeField(default=now)

    class Meta:
        db_table = "caught_mail"
        indexes = [models.Index(fields=["to", "-id"], name="caught_mail_to")]

    def __str__(self) -> str:
        return f"{self.to}: {self.subject}"


class Job(models.Model):
    """One thing to do later, written in the transaction that made it necessary.

    `tenant_id` has no foreign key and no null: work of the platform itself carries the nil
    UUID, so that every claim walks one index from tenant to tenant.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        RUNNING = "running"

    id = models.BigAutoField(primary_key=True)
    lane = models.SmallIntegerField()
    kind = models.CharField(max_length=60)
    tenant_id = models.UUIDField()
    args = models.JSONField(default=dict)
    key = models.CharField(max_length=120, null=True, unique=True)
    state = models.CharField(max_length=8, choices=State)
    run_at = models.DateTimeField()
    attempts = models.SmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        db_table = "job"
        indexes = [
            models.Index(
                fields=["lane", "tenant_id", "id"],
                name="job_ready",
                condition=models.Q(state="ready"),
            ),
            models.Index(fields=["run_at"], name="job_due", condition=models.Q(state="waiting")),
            models.Index(
                fields=["leased_until"], name="job_leased", condition=models.Q(state="running")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class DeadJob(models.Model):
    """A job that failed for good. It waits here for a person."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=60)
    lane = models.SmallIntegerField()
    tenant_id = models.UUIDField()
    args = models.JSONField(default=dict)
    attempts = models.SmallIntegerField()
    error = models.TextField()
    died_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "dead_job"

    def __str__(self) -> str:
        return f"{self.kind} (dead)"


class Tick(models.Model):
    """When each periodic job was last written, so that it is written once per period."""

    kind = models.CharField(max_length=60, primary_key=True)
    last = models.BigIntegerField(default=0)

    class Meta:
        db_table = "tick"

    def __str__(self) -> str:
        return self.kind


class WorkerSeen(models.Model):
    """A worker's sign of life, by the database's clock."""

    name = models.CharField(max_length=120, primary_key=True)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "worker_seen"

    def __str__(self) -> str:
        return self.name
