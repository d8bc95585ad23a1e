"""Refunds as a file, at once or in the background: these refunds, these sums, no more."""

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django_tenants.utils import schema_context, tenant_context
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from dashboard.refunds import RefundFilter
from merchants.models import AuditEvent, Notice
from payments import export_files, refund_exporting
from payments.export_files import KEPT
from payments.models import ExportFile, Payment, Refund, Transfer
from payments.refund_exporting import RefundReading, RefundSums
from payments.refund_selecting import RefundSelection
from tenants import unchanged
from tenants.jobs import run_due
from tenants.models import Job, Membership, Role, Tenant, User
from tests import cast, make
from tests.conftest import SignIn
from tests.dashboard.conftest import committed_merchants, text
from tests.dashboard.test_exports import (
    HOSTILE,
    alice,
    as_shown,
    content,
    dicts,
    now_of,
    paise,
    reverse_transfer,
    table,
    unguarded,
    url,
)
from tests.dashboard.test_refund_list import CASES, refunded, three_refunds

ALWAYS = ["Refund ID", "Amount (INR)", "Given back (INR)", "Order ID", "Payment for"]


@pytest.fixture(scope="module")
def merchants(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Tenant, Tenant]]:
    """Acme and globex, committed: files are read over connections of their own."""
    with django_db_blocker.unblock(), committed_merchants() as (acme, globex):
        with tenant_context(globex):
            refunded(reason="canary of globex")
        with tenant_context(acme):
            make.paytm_account("LIVEMID0000000000001", "live0000merchant", live=True)
            refunded(live=True, reason="canary of live")
        yield acme, globex


@pytest.fixture(scope="module")
def refunds(merchants: tuple[Tenant, Tenant], django_db_blocker: Any) -> dict[str, Refund]:
    """Those of the list's own tests."""
    with django_db_blocker.unblock(), tenant_context(merchants[0]):
        return three_refunds()


@pytest.fixture
def shop(
    merchants: tuple[Tenant, Tenant], refunds: dict[str, Refund], django_db_blocker: Any
) -> Iterator[dict[str, Refund]]:
    """We are in acme; no file is left of a test afterwards."""
    with django_db_blocker.unblock(), tenant_context(merchants[0]):
        Job.objects.all().delete()
        yield refunds
        ExportFile.objects.all().delete()


def taken(client: Client, **query: Any) -> list[dict[str, str]]:
    return dicts(content(client.get(url("refunds_csv"), query)))


def asked(client: Client, query: str = "", **said: Any) -> ExportFile:
    address = f"{url('refunds_exports')}{query}"
    form = client.get(address).context["form"]
    body = {"format": "csv", "columns": form["columns"].value(), "key": form["key"].value()} | said
    answer = client.post(address, body)
    assert answer.status_code == 302, answer.content
    return ExportFile.objects.get(pk=UUID(answer["Location"].rsplit("/", 1)[1]))


@contextmanager
def calling(refund: Refund, name: str) -> Iterator[None]:
    """Meanwhile its payer has this name."""
    payment = Payment.objects.filter(pk=refund.payment_id)
    payment.update(payer_name=name)
    try:
        yield
    finally:
        payment.update(payer_name="Meera Nair")


# --- The file and the screen


def agree(client: Client, shop: dict[str, Refund], query: dict[str, Any]) -> set[str]:
    """The rows of the list, its sums, and the file's rows and sums are of the same refunds."""
    unchanged.forget_all()  # what is given again tells nothing of what it was made of
    page = client.get(url("refunds"), query)
    ids = [row["ref_id"] for row in page.context["page"].rows]
    rows, sums = taken(client, **query), client.get(url("refunds_sums"), query).context["totals"]
    assert [row["Refund ID"] for row in rows] == ids
    asked, back = (sum(paise(row[n]) for row in rows) for n in ("Amount (INR)", "Given back (INR)"))
    assert sums == {"count": len(rows), "asked_paise": asked, "given_back_paise": back}
    form = RefundFilter(page.wsgi_request.GET)
    assert form.is_valid()
    selection = form.selection(False)
    assert export_files.read(RefundSelection, export_files.stored(selection)) == selection
    with closing(RefundReading(selection, [])) as reading:
        assert reading.sums() == RefundSums(len(rows), asked, back)
    return {name for name, refund in shop.items() if refund.ref_id in ids}


def test_each_filter_narrows_list_sums_and_file_alike(
    shop: dict[str, Refund], sign_in: SignIn
) -> None:
    client = sign_in(alice())
    for query, expected in CASES:
        assert agree(client, shop, query) == expected, query


def ordered(values: st.SearchStrategy[Any], low: str, high: str) -> st.SearchStrategy[Any]:
    """None, one or both of two ends, the lower one not above the other."""
    both = st.tuples(values, values).map(sorted)
    some = both.map(lambda ends: {low: str(ends[0]), high: str(ends[1])})
    return some.flatmap(lambda ends: st.sets(st.sampled_from([*ends])).map(
        lambda names: {name: ends[name] for name in names}))  # fmt: skip


DATES = st.dates(date(2000, 1, 1), date(2099, 12, 31)) | st.dates(
    date(2026, 6, 29), date(2026, 7, 3)
)


def test_list_sums_and_file_of_any_selection_agree(
    shop: dict[str, Refund], sign_in: SignIn
) -> None:
    client = sign_in(alice())

    @hypothesis(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
    @given(
        days=ordered(DATES, "from", "to"),
        amounts=ordered(st.integers(1, 500), "min", "max"),
        query=st.fixed_dictionaries(
            {},
            optional={
                "q": st.sampled_from(["ref", "meera", "2345", "example", "RRN", " "]),
                "status": st.sets(st.sampled_from(["done", "sent", "held", "failed"])).map(sorted),
                "method": st.sets(st.sampled_from(["upi", "credit_card", "wallet"])).map(sorted),
                "by": st.sampled_from(["a", "bob", "%"]),
                "reason": st.sampled_from(["goods", "cmd", "_"]),
            },
        ),
    )
    def check(query: Any, days: Any, amounts: Any) -> None:
        agree(client, shop, {"all": "1", **query, **days, **amounts})

    check()


def test_the_file_is_guarded_and_tells_everything(shop: dict[str, Refund], sign_in: SignIn) -> None:
    file = sign_in(alice()).get(url("refunds_csv"), {"from": "2026-01-01"})
    assert file["Content-Disposition"] == 'attachment; filename="acme-test-refunds.csv"'
    assert file["Content-Length"] == str(len(file.content)), "so small a file goes whole"
    assert file.content.startswith("\ufeff".encode())
    held, _, june = dicts(file.content)
    assert held["Comment"] == "'=cmd|' /C calc'!A0"
    assert (held["Given back (INR)"], june["Given back (INR)"]) == ("0.00", "100.00")
    assert (june["Payer"], june["Payer's phone"]) == ("Meera Nair", "'+91 98450 12345")
    assert (june["Bank reference (RRN)"], june["Card reference (ARN)"]) == ("RRN111", "ARN9")
    said = (june["State"], june["Reason"], june["Asked by"], june["Method"])
    assert said == ("Refunded", "Goods returned", "Bob", "UPI")
    assert june["Asked for at (Asia/Kolkata)"] == "2026-06-30 23:59:59"
    day = date.fromisoformat(june["Payer should have it by"])
    assert held["Payer should have it by"] == "" != day


def test_nothing_of_another_world_or_merchant_is_in_it(
    shop: dict[str, Refund], sign_in: SignIn
) -> None:
    client, charlie = sign_in(alice()), sign_in(User.objects.get(name="Charlie"))
    assert b"canary" not in content(client.get(url("refunds_csv")))
    for name in ("refunds_csv", "refunds_exports"):
        assert charlie.get(url(name)).status_code == 404
    own = charlie.get(reverse("refunds_csv", kwargs={"slug": "globex", "live": False}))
    assert [row["Reason"] for row in dicts(content(own))] == ["canary of globex"]


def test_the_columns_are_those_of_the_list(shop: dict[str, Refund], sign_in: SignIn) -> None:
    client = sign_in(alice())
    rows = taken(client, columns="by,customer")
    assert [*rows[0]] == [*ALWAYS[:3], "Asked by", *ALWAYS[3:], "Payer"]
    form = client.get(f"{url('refunds_exports')}?columns=by%2Ccustomer").context["form"]
    assert form["columns"].value() == ["by", "customer"]
    [only] = table(content(client.get(url("refunds_csv"), {"q": "nobody at all"})))
    assert len(only) == len(refund_exporting.COLUMNS)


def test_a_reversal_by_sql_changes_file_sums_and_screen(
    shop: dict[str, Refund], sign_in: SignIn
) -> None:
    client = sign_in(alice())
    booked = Transfer.objects.get(refund=shop["june"], reverses=None)
    reverse_transfer(booked.pk)
    try:
        assert agree(client, shop, {"all": "1"}) == {*shop}
        assert {row["Given back (INR)"] for row in taken(client)} == {"0.00"}
        assert "₹0.00</b> given back" in text(client.get(url("refunds_sums")))
    finally:
        reverse_transfer(Transfer.objects.get(reverses=booked).pk)
    assert agree(client, shop, {"all": "1"}) == {*shop}


# --- Parts


@pytest.fixture
def in_hindi(shop: dict[str, Refund], sign_in: SignIn) -> Iterator[Client]:
    """Alice where the browser was told Hindi, which is kept with her until the test is over."""
    client = sign_in(alice())
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "hi"
    yield client
    User.objects.filter(pk=alice().pk).update(language="")


def test_a_long_file_is_sent_in_parts_of_one_moment_and_language(
    shop: dict[str, Refund], in_hindi: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is entered, spoken and changed by the thread that reads on."""
    monkeypatch.setattr(refund_exporting, "AT_ONCE", 1)
    answer = in_hindi.get(url("refunds_csv"))
    assert answer.streaming
    stream = iter(answer.streaming_content)
    first = next(stream)
    with (
        calling(shop["june"], "changed"),
        closing(answer),
        schema_context("public"),
        translation.override("en"),
    ):
        rows = table(first + b"".join(stream))
    assert [row[0] for row in rows[1:]] == [shop[n].ref_id for n in ("held", "july", "june")]
    states = [row[rows[0].index("स्थिति")] for row in rows[1:]]
    assert states[2] == "रिफ़ंड हो गया"
    assert "changed" not in rows[3]


def test_a_third_stream_is_made_in_the_background_instead(
    shop: dict[str, Refund], sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refund_exporting, "AT_ONCE", 1)
    client = sign_in(alice())
    open_ones = [client.get(url("refunds_csv")) for _ in range(2)]
    refused = client.get(f"{url('refunds_csv')}?status=done")
    assert refused["Location"] == f"{url('refunds_exports')}?status=done"
    for answer in open_ones:
        answer.close()
    assert len(taken(client)) == 3


# --- Files made in the background


def test_a_file_is_made_told_of_fetched_and_written_down(
    shop: dict[str, Refund], sign_in: SignIn
) -> None:
    client = sign_in(alice())
    page = text(client.get(f"{url('refunds_exports')}?status=done&status=sent"))
    assert '<span class="chip">Refunded</span>' in page
    file = asked(client, "?status=done&status=sent")
    assert client.get(url("export_file", id=file.pk)).status_code == 409
    run_due()
    done = now_of(file)
    assert (done.of, done.state, done.count, done.done) == ("refunds", "done", 2, 2)
    assert (done.asked_paise, done.refunded_paise, done.received_paise) == (350_00, 100_00, None)
    sums = client.get(url("refunds_sums"), {"status": ["done", "sent"]}).context["totals"]
    assert sums == {"count": 2, "asked_paise": 350_00, "given_back_paise": 100_00}
    page = text(client.get(url("export", id=file.pk)))
    for words in ("Refunds as a file", "Ready", "₹350.00", "Given back in all", "₹100.00"):
        assert words in page
    assert f'href="{url("refunds_exports")}?status=done&amp;status=sent">Make it again' in page
    assert f'href="{url("refunds")}?status=done&amp;status=sent">See them' in page
    heard = Notice.objects.get(user_id=alice().pk, url=url("export", id=file.pk))
    assert (heard.kind, heard.args) == ("export.done", {"name": "refunds.csv"})
    answer = client.get(url("export_file", id=file.pk))
    assert f'"acme-test-refunds-{done.created_at:%Y-%m-%d}.csv"' in answer["Content-Disposition"]
    got = content(answer)
    assert answer["Content-Length"] == str(len(got)) == str(done.size)
    assert got == content(client.get(f"{url('refunds_csv')}?status=done&status=sent"))
    acts = AuditEvent.objects.filter(subject_id=file.pk).order_by("id")
    assert [*acts.values_list("act", "by_name")] == [
        ("export.made", "Alice"), ("export.fetched", "Alice"),
    ]  # fmt: skip


def test_it_is_for_who_made_it_and_managers_for_a_week(
    merchants: tuple[Tenant, Tenant], shop: dict[str, Refund], sign_in: SignIn, clock: Any
) -> None:
    bob, other = User.objects.get(name="Bob"), cast.person("Bina")
    Membership.objects.create(tenant=merchants[0], user=other, role=Role.FINANCE)
    try:
        at_bob, at_alice, at_other = sign_in(bob), sign_in(alice()), sign_in(other)
        file = asked(at_bob)
        run_due()
        listed = text(at_alice.get(url("exports")))
        assert "Refunds · CSV" in listed
        assert "Bob" in listed
        assert str(file.pk) not in text(at_other.get(url("refunds_exports")))
        at_charlie = sign_in(User.objects.get(name="Charlie"))
        address = url("export_file", id=file.pk)
        for client, status in ((at_bob, 200), (at_alice, 200), (at_other, 404), (at_charlie, 404)):
            answer = client.get(address)
            assert answer.status_code == status
            answer.close()
        foreign = reverse("export_file", kwargs={"slug": "globex", "live": False, "id": file.pk})
        assert at_charlie.get(foreign).status_code == 404
        clock(KEPT.total_seconds() + 1)
        assert at_bob.get(address).status_code == 410
    finally:
        other.delete()


def test_a_workbook_has_numbers_days_and_text_and_no_formula(
    shop: dict[str, Refund], sign_in: SignIn
) -> None:
    client, june = sign_in(alice()), shop["june"]
    for words in HOSTILE:
        with calling(june, words):
            [row] = taken(client, q=june.ref_id)
        assert unguarded(row["Payer"]) == words
    with calling(june, HOSTILE[0]):
        file = asked(client, format="xlsx")
        run_due()
    answer = client.get(url("export_file", id=file.pk))
    book = openpyxl.load_workbook(io.BytesIO(content(answer)))
    assert book.sheetnames == ["Refunds"]
    head, *lines = book.active.iter_rows()
    assert {cell.data_type for row in lines for cell in row} <= {"n", "s", "d", "inlineStr"}
    column = {cell.value: place for place, cell in enumerate(head)}
    by_id = {row[0].value: row for row in lines}
    assert {*by_id} == {refund.ref_id for refund in shop.values()}
    for refund in shop.values():
        row = by_id[refund.ref_id]
        assert row[column["Amount (INR)"]].value * 100 == refund.amount_paise
        local = (refund.created_at + timedelta(hours=5, minutes=30)).replace(tzinfo=None)
        assert row[column["Asked for at (Asia/Kolkata)"]].value == local
    assert as_shown(by_id[june.ref_id][column["Payer"]].value) == HOSTILE[0]
    assert by_id[june.ref_id][column["Payer should have it by"]].is_date


def test_both_kinds_stand_in_one_list_and_count_together(
    shop: dict[str, Refund], sign_in: SignIn
) -> None:
    client = sign_in(alice())
    asked(client, key="k" * 22)
    assert asked(client, key="k" * 22).of == "refunds", "the same form twice is one file"
    assert ExportFile.objects.count() == 1
    for _ in range(export_files.UNDER_WAY_AT_ONCE - 1):
        asked(client)
    form = client.get(url("exports")).context["form"]
    body = {"format": "csv", "columns": ["when"], "key": form["key"].value()}
    assert client.post(url("exports"), body).status_code == 429
    names = ["by"], ["tags"]
    codes = [client.post(url("refunds_exports"), body | {"columns": n}).status_code for n in names]
    assert codes == [429, 422], "each list has columns of its own"
