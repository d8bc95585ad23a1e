"""Secrets at rest: sealed for one place, and of no use anywhere else."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django_tenants.utils import tenant_context

from merchants import connecting
from merchants.models import DataKey, PaytmAccount
from merchants.sealing import CannotOpen, open_sealed, seal
from tenants.models import Tenant, User

pytestmark = pytest.mark.django_db

KEY = "Canary#Key&12345"


@pytest.fixture
def account(in_acme: Tenant, alice: User) -> PaytmAccount:
    return connecting.store(
        environment="staging", mid="STAGINGMID0000000001", key=KEY, website="WEBSTAGING", by=alice
    )


def test_what_is_sealed_opens_in_its_place(account: PaytmAccount) -> None:
    assert open_sealed(PaytmAccount.objects.get(pk=account.pk), "sealed_key") == KEY


def test_no_column_of_any_table_holds_the_key(account: PaytmAccount) -> None:
    needles = (KEY, KEY.encode().hex(), KEY[:12])
    found = [place for place, text in every_value() for needle in needles if needle in text]
    assert found == []


def test_it_does_not_open_in_another_row(account: PaytmAccount, alice: User) -> None:
    other = connecting.store(
        environment="staging", mid="STAGINGMID0000000002", key=KEY, website="WEB", by=alice
    )
    other.sealed_key = account.sealed_key
    with pytest.raises(CannotOpen):
        open_sealed(other, "sealed_key")


def test_it_does_not_open_in_another_field(account: PaytmAccount) -> None:
    account.website = account.sealed_key
    with pytest.raises(CannotOpen):
        open_sealed(account, "website")


def test_it_does_not_open_in_another_tenant_even_with_the_data_key_moved_too(
    account: PaytmAccount, globex: Tenant
) -> None:
    data_key = DataKey.objects.get()
    with tenant_context(globex):
        with pytest.raises(CannotOpen):
            open_sealed(account, "sealed_key")
        DataKey.objects.create(id=data_key.pk, wrapped=data_key.wrapped)
        with pytest.raises(CannotOpen):
            open_sealed(account, "sealed_key")


@pytest.mark.parametrize(
    "text", ["", "s1", "s1.x.y", "clear text", "s1.{key}.AAAA", "s2.{key}.{body}"]
)
def test_what_is_no_sealed_text_does_not_open(account: PaytmAccount, text: str) -> None:
    _, key, body = account.sealed_key.split(".")
    account.sealed_key = text.format(key=key, body=body)
    with pytest.raises(CannotOpen):
        open_sealed(account, "sealed_key")


def test_the_same_secret_is_never_sealed_to_the_same_text(account: PaytmAccount) -> None:
    assert seal(KEY, account, "sealed_key") != seal(KEY, account, "sealed_key")


def every_value() -> Iterator[tuple[str, str]]:
    """Every row of every table of the database as text, with the table's name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT each::text FROM {table} AS each")
            for (text,) in cursor.fetchall():
                yield table, text


def test_the_search_finds_what_is_there(account: PaytmAccount) -> None:
    assert any(account.mid in text for _, text in every_value())
