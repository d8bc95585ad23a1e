"""Merchants' schemas: made ahead, claimed once, closed when suspended, never mixed up."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django_tenants.utils import tenant_context

from payments.asking import ask
from payments.models import Payment
from tenants import provisioning, schema
from tenants.jobs import run_due
from tenants.models import Membership, Tenant, User
from tenants.upkeep import keep_schemas_ready
from tests import cast, make
from tests.conftest import SignIn, browser
from tests.crowd import at_once
from tests.proof import size
from tests.wire import Simulator, go_to_paytm


def test_a_claimed_merchant_has_its_schema_its_profile_and_its_owner(alice: User) -> None:
    acme = cast.merchant("acme", alice)
    assert acme.schema_name == f"t_{acme.key}"
    assert Membership.objects.get(tenant=acme).role == "owner"
    with tenant_context(acme):
        assert make.link().token.startswith(acme.key)


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("ab", "malformed"), ("Acme", "malformed"), ("a_b_c", "malformed"), ("-acme", "malformed"),
        ("acme-", "malformed"), ("a--b", "malformed"), ("1acme", "malformed"),
        ("a" * 41, "malformed"),
        ("चाय-घर", "malformed"), ("admin", "reserved"), ("platform", "reserved"), ("acme", "taken"),
    ],
)  # fmt: skip
def test_a_bad_slug_is_refused_and_nothing_is_claimed(
    acme: Tenant, alice: User, slug: str, why: str
) -> None:
    before = Tenant.objects.filter(state="ready").count()
    with pytest.raises(provisioning.BadSlug, match=why):
        cast.merchant(slug, alice)
    assert Tenant.objects.filter(state="ready").count() == before


def test_a_stale_ready_schema_is_never_claimed(alice: User) -> None:
    Tenant.objects.filter(state="ready").update(schema_version="of last year")
    acme = cast.merchant("acme", alice)
    assert acme.schema_version == provisioning.schema_version()


def test_while_one_makes_a_schema_the_next_ends_at_once(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job comes every twenty seconds, and on a slow machine the first takes longer."""
    provisioning.keep_ready()
    Tenant.objects.filter(state="ready").update(schema_version="of last year")
    made, begun, go_on = [], Event(), Event()

    def slowly() -> Tenant:
        begun.set()
        assert go_on.wait(30)
        made.append(tenant := create_ready())
        return tenant

    create_ready = provisioning.create_ready
    monkeypatch.setattr(provisioning, "create_ready", slowly)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(keep_schemas_ready)
        assert begun.wait(30)
        keep_schemas_ready()
        assert made == []
        go_on.set()
        first.result(60)
        other.submit(lambda: connection.close()).result()  # its own
    ready = Tenant.objects.filter(schema_version=provisioning.schema_version(), state="ready")
    assert len(made) == ready.count() == provisioning.READY_AHEAD
    keep_schemas_ready()
    assert len(made) == provisioning.READY_AHEAD
    for tenant in made:
        tenant.delete(force_drop=True)
    Tenant.objects.filter(state="ready").update(schema_version=provisioning.schema_version())


def test_an_empty_merchant_stays_small(db: None) -> None:
    acme = provisioning.create_ready()  # a new schema: other tests' dead rows take room
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'i'),"
            " sum(pg_total_relation_size(oid)) FILTER (WHERE relkind = 'r')"
            " FROM pg_class WHERE relnamespace = %s::regnamespace",
            [acme.schema_name],
        )
        tables, indexes, size_in_bytes = cursor.fetchone()
    assert tables <= 35
    assert indexes <= 120
    assert size_in_bytes <= 2_500_000


# Everything that a schema consists of, in the catalogue's own words.
CATALOGUE = """
    SELECT 'column', format('%%s.%%s %%s %%s %%s', c.relname, attname, atttypid::regtype,
            attnotnull, pg_get_expr(adbin, adrelid))
        FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = %(s)s::regnamespace AND attnum > 0 AND relkind IN ('r', 'S')
    UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = %(s)s
    UNION ALL SELECT 'constraint', conname || ' ' || conrelid::regclass || ' '
            || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = %(s)s::regnamespace
    UNION ALL SELECT 'trigger', pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
        WHERE relnamespace = %(s)s::regnamespace AND NOT tgisinternal
"""


def catalogue(tenant: Tenant) -> set[tuple[str, str]]:
    """With the names of constraints that only PostgreSQL knows, and without the schema's own."""
    with connection.cursor() as cursor:
        cursor.execute(CATALOGUE, {"s": tenant.schema_name})
        return {(kind, words.replace(f"{tenant.schema_name}.", "")) for kind, words in cursor}


def test_a_schema_that_repeats_the_migrations_is_what_they_make(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioning, "_scripts", {})
    migrated, repeated = provisioning.create_ready(), provisioning.create_ready()
    assert len(catalogue(migrated)) > 500
    assert catalogue(migrated) == catalogue(repeated)
    applied = []
    for tenant in (migrated, repeated):
        with tenant_context(tenant):
            applied.append(MigrationRecorder(connection).applied_migrations().keys())
    assert applied[0] == applied[1]


def test_every_index_and_constraint_of_the_models_is_in_the_database(acme: Tenant) -> None:
    """A migration can lose one that stands in nobody's way: Django's AlterField has."""
    declared = {
        rule.name
        for model in apps.get_models()
        if model._meta.app_label in {app.rpartition(".")[2] for app in settings.TENANT_APPS}
        for rule in (*model._meta.constraints, *model._meta.indexes)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace UNION"
            " SELECT conname FROM pg_constraint WHERE connamespace = %s::regnamespace",
            [acme.schema_name] * 2,
        )
        there = {name for (name,) in cursor.fetchall()}
    assert len(declared) > 80
    assert declared - there == set()


def test_tenants_hold_no_people_and_no_foreign_keys_out_of_themselves(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.confrelid"
            " WHERE c.connamespace = %s::regnamespace AND c.contype = 'f'"
            " AND r.relnamespace <> %s::regnamespace",
            [acme.schema_name] * 2,
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [acme.schema_name])
        tables = {name for (name,) in cursor.fetchall()}
    assert all(t.startswith(("merchants_", "payments_", "django_migrations")) for t in tables)


def test_a_missing_table_answers_503_and_never_publics_rows(
    acme: Tenant, sign_in: SignIn, alice: User
) -> None:
    client = sign_in(alice)
    with tenant_context(acme), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_link RENAME TO payments_link_gone")
    assert client.get("/m/acme/test/links").status_code == 503


def test_a_merchant_that_is_not_migrated_answers_503(
    acme: Tenant, sign_in: SignIn, alice: User
) -> None:
    Tenant.objects.filter(pk=acme.pk).update(schema_version="of last year")
    assert sign_in(alice).get("/m/acme/test/links").status_code == 503


def test_no_app_is_shared_and_tenant_and_public_holds_no_tenant_table(db: None) -> None:
    assert not set(settings.SHARED_APPS) & set(settings.TENANT_APPS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert not [t for (t,) in cursor.fetchall() if t.startswith(("merchants_", "payments_"))]


def test_a_suspended_merchant_takes_nothing_new_but_money_under_way_lands(
    paytm: Simulator, acme: Tenant, client: Client, sign_in: SignIn, alice: User
) -> None:
    with tenant_context(acme):
        link = make.link()
    team = sign_in(alice)
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    provisioning.suspend(acme)
    acme.refresh_from_db()
    assert client.post(f"/p/{link.token}").status_code in (200, 410)
    assert team.get("/m/acme/test/").status_code == 302  # her session has ended
    assert sign_in(alice).get("/m/acme/test/").status_code == 403
    with tenant_context(acme):
        payment = Payment.objects.select_related("account").get()
        assert ask(payment).state == "paid"
    run_due()
    provisioning.resume(acme)
    assert sign_in(alice).get("/m/acme/test/").status_code == 200


@pytest.mark.slow
def test_many_claims_at_once_get_a_merchant_each(open_acme: Tenant) -> None:
    owner = User.objects.get(name="Alice")
    made = at_once(
        open_acme,
        [
            lambda n=n: provisioning.claim(
                slug=f"shop-{n}", name="x", owner=owner, time_zone="Asia/Kolkata"
            )
            for n in range(6)
        ],
    )
    try:
        assert len({tenant.schema_name for tenant in made}) == 6
    finally:
        schema.leave()
        for tenant in made:
            tenant.delete(force_drop=True)


@pytest.mark.proof
def test_under_load_nobody_reads_anothers_canary(open_acme: Tenant) -> None:
    """T2: threads jump from merchant to merchant over pay pages and dashboards."""
    owner = User.objects.get(name="Alice")
    canaries: dict[str, str] = {}
    tenants = []
    for n in range(size(6, 50)):
        schema.leave()
        tenant = provisioning.claim(
            slug=f"canary-{n}", name=f"Canary {n}", owner=owner, time_zone="Asia/Kolkata"
        )
        tenants.append(tenant)
        with tenant_context(tenant):
            make.paytm_account("MID", "0123456789abcdef")
            canaries[f"/p/{make.link(description=f'canary-word-{n:03}').token}"] = (
                f"canary-word-{n:03}"
            )
    words = set(canaries.values())

    def read(path: str) -> list[str]:
        try:
            page = browser().get(path).content.decode()
            return [word for word in words if word in page and word != canaries[path]] + (
                [] if canaries[path] in page else ["its own is missing"]
            )
        finally:
            connection.close()

    paths = random.choices(sorted(canaries), k=size(300, 20_000))
    try:
        with ThreadPoolExecutor(size(16, 64)) as threads:
            assert [found for found in threads.map(read, paths) if found] == []
    finally:
        schema.leave()
        for tenant in tenants:
            tenant.delete(force_drop=True)
