"""Tenants' schemas: made ahead, claimed by one UPDATE, migrated one by one.

The one module that works on schemas themselves.
"""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import F
from django_tenants.utils import get_public_schema_name, schema_context, tenant_context

from config.clock import now
from merchants.models import Profile
from tenants.listening import Listener
from tenants.models import Membership, Role, Tenant, User, new_key

READY_AHEAD = 3
MAKING_READY = 7_001  # the key of an advisory lock, the only one there is
_scripts: dict[str, str] = {}  # what makes a tenant's tables, by schema version
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RESERVED = frozenset(
    """
    about account accounts admin api app assets billing blog callback dashboard demo docs galla
    health help legal live login logout mail metrics new pay paytm platform pricing privacy root
    security settings signup site staff static status support system team terms test webhook www
    """.split()  # noqa: SIM905  (a list of words reads better as words)
)


class BadSlug(ValueError):
    """The slug is malformed, reserved or taken; the message says which."""


@cache
def schema_version() -> str:
    """A digest of the tenant apps' migrations: what a tenant's schema must be at."""
    ours = sorted(_migrations(settings.TENANT_APPS))
    return hashlib.sha256(repr(ours).encode()).hexdigest()[:16]


def prepare() -> int:
    """Bring the public schema and every tenant up to date. Returns how many tenants moved.

    Costs two queries when there is nothing to do; a crash half way is continued by the next.
    """
    if not _public_is_current():
        call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    stale = list(Tenant.objects.exclude(schema_version=schema_version()))
    for tenant in stale:
        _migrate(tenant)
    return len(stale)


def keep_ready(count: int = READY_AHEAD) -> None:
    """Make ready schemas until `count` are waiting to be claimed.

    Ends at once while somebody else is making one: two would run the same migrations twice.
    """
    while _make_another(count):
        pass


def _make_another(count: int) -> bool:
    with transaction.atomic():
        if not _makes_alone() or _waiting() >= count:
            return False
        create_ready()
    return True


def _makes_alone() -> bool:
    """Whether nobody else makes one until this transaction ends, however it does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [MAKING_READY])
        return bool(cursor.fetchone()[0])


def _waiting() -> int:
    ready = Tenant.objects.filter(state=Tenant.State.READY, schema_version=schema_version())
    return int(ready.count())


def create_ready() -> Tenant:
    """A migrated schema with no owner, in one transaction: all of it exists, or nothing.

    This process's first takes about a second, the others some hundredths.
    """
    key = new_key()
    tenant = Tenant(key=key, schema_name=f"t_{key}", schema_version=schema_version())
    with schema_context(get_public_schema_name()), transaction.atomic():
        tenant.save()
        _create_schema(tenant)
        with tenant_context(tenant):
            Profile.objects.create()
    return tenant


def _create_schema(tenant: Tenant) -> None:
    """By migrations, which are listened to, and from then on by what these said."""
    script = _scripts.get(tenant.schema_version)
    if script is None:
        with Listener(connection) as heard:
            tenant.create_schema(verbosity=0)
        _scripts[tenant.schema_version] = heard.script()
        return
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {tenant.schema_name}")  # our own letters and digits
    with tenant_context(tenant), connection.cursor() as cursor:
        cursor.execute(script)


def check_slug(slug: str) -> None:
    """Raises BadSlug unless `slug` could name a merchant now."""
    if not SLUG.fullmatch(slug) or not 3 <= len(slug) <= 40:
        raise BadSlug("malformed")
    if slug in RESERVED:
        raise BadSlug("reserved")
    if Tenant.objects.filter(slug=slug).exists():
        raise BadSlug("taken")


def claim(*, slug: str, name: str, owner: User, time_zone: str) -> Tenant:
    """Give a ready schema to a new merchant and its owner. Raises BadSlug.

    Without a ready schema one is made first, which takes about a second.
    """
    check_slug(slug)
    try:
        return _claim(slug, name, owner, time_zone)
    except IntegrityError as error:
        raise BadSlug("taken") from error  # by somebody a moment ago


def _claim(slug: str, name: str, owner: User, time_zone: str) -> Tenant:
    with transaction.atomic():
        tenant = _take_ready() or create_ready()
        Tenant.objects.filter(pk=tenant.pk).update(
            slug=slug,
            name=name,
            time_zone=time_zone,
            state=Tenant.State.ACTIVE,
            created_at=now(),
        )
        tenant.refresh_from_db()
        Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    return tenant


def suspend(tenant: Tenant) -> None:
    """Close the merchant's door and end its people's sessions. Money under way still lands."""
    _change_state(tenant, Tenant.State.ACTIVE, Tenant.State.SUSPENDED)


def resume(tenant: Tenant) -> None:
    _change_state(tenant, Tenant.State.SUSPENDED, Tenant.State.ACTIVE)


def _change_state(tenant: Tenant, before: str, after: str) -> None:
    with transaction.atomic():
        if Tenant.objects.filter(pk=tenant.pk, state=before).update(state=after):
            team = User.objects.filter(memberships__tenant=tenant).order_by("pk")
            locked = [user.pk for user in team.select_for_update()]  # one order: no deadlock
            User.objects.filter(pk__in=locked).update(session_epoch=F("session_epoch") + 1)


def _take_ready() -> Tenant | None:
    tenant: Tenant | None = (
        Tenant.objects.select_for_update(skip_locked=True)
        .filter(state=Tenant.State.READY, schema_version=schema_version())
        .order_by("created_at")
        .first()
    )
    return tenant


def _migrate(tenant: Tenant) -> None:
    options: dict[str, Any] = {"interactive": False, "verbosity": 0}
    with transaction.atomic():
        call_command("migrate_schemas", tenant=True, schema_name=tenant.schema_name, **options)
        Tenant.objects.filter(pk=tenant.pk).update(schema_version=schema_version())


def _public_is_current() -> bool:
    applied = MigrationRecorder(connection).applied_migrations()
    return _migrations(settings.SHARED_APPS) <= set(applied)


def _migrations(apps: Iterable[str]) -> set[tuple[str, str]]:
    """The migrations on disk of these apps, as (label, name)."""
    labels = {app.rpartition(".")[2] for app in apps}
    disk = MigrationLoader(None).disk_migrations
    return {key for key in disk if key[0] in labels}
