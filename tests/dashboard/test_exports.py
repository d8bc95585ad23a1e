"""What an accountant takes away is what the screen shows: these payments, these sums, no more."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import psycopg2
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_tenants.utils import tenant_context
from hypothesis import given, settings
from hypothesis import strategies as st

from merchants.models import AuditEvent, Notice
from payments import export_files, exporting, inventing, ledger
from payments.export_files import KEPT
from payments.janitor import mend
from payments.methods import Method
from payments.models import ExportChunk, ExportFile, Payment
from payments.money import plain_inr
from payments.selecting import Selection
from payments.states import PaymentState
from tenants.jobs import run_due
from tenants.models import Job, Membership, Role, Tenant, User
from tests import cast, make, office
from tests.conftest import SignIn
from tests.dashboard.conftest import committed_merchants
from tests.office import needs_office

UNTIL = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
COUNT = 1_300
HOSTILE = [
    "=HYPERLINK(\"http://evil.example\")", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'",
    'He said "no", twice', "Two\nlines", "-", "", "नमस्ते", "a,b;c", "_x0041_", "\x01",
]  # fmt: skip

ALWAYS = ["Order ID", "For", "Asked (INR)", "Received (INR)", "Refunded (INR)"]

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def shops(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Tenant, Tenant]]:
    """Acme and globex with a year of business each, committed: exports are read over connections
    of their own. In every payment of globex stands a canary."""
    with django_db_blocker.unblock(), committed_merchants() as shops:
        for tenant in shops:
            with tenant_context(tenant):
                inventing.invent(COUNT, until=UNTIL)
                Payment.objects.update(payer_name=f"canary of {tenant.slug}")
        yield shops


@pytest.fixture
def shop(
    shops: tuple[Tenant, Tenant], django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tenant]:
    """We are in acme, and slices are small; no file is left of it afterwards."""
    with django_db_blocker.unblock(), tenant_context(shops[0]):
        Job.objects.all().delete()
        monkeypatch.setattr(exporting, "AT_ONCE", 200)
        monkeypatch.setattr(exporting, "AT_FIRST", 100)
        yield shops[0]
        ExportFile.objects.all().delete()


def alice() -> User:
    return User.objects.get(name="Alice")


def url(name: str, **where: Any) -> str:
    return reverse(name, kwargs={"slug": "acme", "live": False, **where})


def content(answer: Any) -> bytes:
    with closing(answer):
        return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def table(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""), strict=True))


def dicts(file: bytes) -> Rows:
    head, *rows = table(file)
    return [dict(zip(head, row, strict=True)) for row in rows]


def taken(selection: Selection, *names: str) -> Rows:
    return dicts(b"".join(exporting.csv_parts(selection, exporting.chosen(names))))


def paise(cell: str) -> int:
    rupees, fraction = cell.lstrip("-").split(".")
    assert len(fraction) == 2
    return (int(rupees) * 100 + int(fraction)) * (-1 if cell.startswith("-") else 1)


# --- The file and the screen

days = st.dates(date(2026, 8, 1), date(2026, 11, 27))
selections = st.builds(
    Selection,
    live=st.just(False),
    states=st.lists(st.sampled_from(PaymentState.values), max_size=2, unique=True).map(tuple),
    methods=st.lists(st.sampled_from(["upi", "credit_card", ""]), max_size=2, unique=True).map(
        tuple
    ),
    first=st.none() | days,
    last=st.none() | days,
    min_paise=st.none() | st.integers(0, 500_00),
    max_paise=st.none() | st.integers(0, 5000_00),
    refunded=st.sampled_from(["", "yes", "no"]),
    settled=st.sampled_from(["", "yes", "no"]),
)


def is_in(payment: Payment, wanted: Selection) -> bool:
    """The same, said once more in Python."""
    day = (payment.created_at + timedelta(hours=5, minutes=30)).date()
    money = payment.received_paise or payment.amount_paise
    return (
        (not wanted.states or payment.state in wanted.states)
        and (not wanted.methods or payment.method in wanted.methods)
        and (wanted.first is None or day >= wanted.first)
        and (wanted.last is None or day <= wanted.last)
        and (wanted.min_paise is None or money >= wanted.min_paise)
        and (wanted.max_paise is None or money <= wanted.max_paise)
        and (not wanted.refunded or (payment.refunded_paise > 0) is (wanted.refunded == "yes"))
        and (wanted.settled != "yes" or payment.settled_on is not None)
        and (wanted.settled != "no" or (payment.has_arrived and payment.settled_on is None))
    )


def test_any_selection_is_exactly_its_payments_and_its_sums_are_the_ledgers(shop: Tenant) -> None:
    everything = [*Payment.objects.order_by("-created_at", "id")]
    held = ledger.received_of([payment.pk for payment in everything])

    @settings(max_examples=60, deadline=None)
    @given(selections)
    def check(wanted: Selection) -> None:
        mine = [payment for payment in everything if is_in(payment, wanted)]
        rows = taken(wanted)
        assert [row["Order ID"] for row in rows] == [payment.order_id for payment in mine]
        received = sum(paise(row["Received (INR)"]) for row in rows)
        refunded = sum(paise(row["Refunded (INR)"]) for row in rows)
        assert received == sum(held.get(payment.pk, 0) for payment in mine)
        assert refunded == sum(payment.refunded_paise for payment in mine)
        with closing(exporting.Reading(wanted, exporting.COLUMNS)) as reading:
            assert reading.sums() == exporting.Sums(len(mine), received, refunded)
            read = [row for some in reading.rows() for row in some]
            assert [row[1] for row in read] == [payment.order_id for payment in mine]
        assert export_files.read(Selection, export_files.stored(wanted)) == wanted

    check()


def test_a_reversal_by_sql_changes_the_file_and_its_sums(shop: Tenant) -> None:
    paid = Payment.objects.filter(state="paid", refunded_paise=0).latest("created_at")
    refunded = Payment.objects.filter(refunded_paise__gt=0, state="paid").latest("created_at")
    everything = Selection(live=False)
    with closing(exporting.Reading(everything, exporting.COLUMNS)) as reading:
        before = reading.sums()
    reverse_transfer(paid.transfers.get(credit="sales").pk)
    reverse_transfer(refunded.transfers.get(debit="refunds").pk)
    rows = {row["Order ID"]: row for row in taken(everything)}
    assert rows[paid.order_id]["Received (INR)"] == "0.00"
    assert rows[refunded.order_id]["Refunded (INR)"] == "0.00"
    with closing(exporting.Reading(everything, exporting.COLUMNS)) as reading:
        after = reading.sums()
    assert before.received_paise - after.received_paise == paid.received_paise
    assert before.refunded_paise - after.refunded_paise == refunded.refunded_paise


def test_both_connections_of_a_long_file_look_at_one_moment(shop: Tenant) -> None:
    """The second is opened late; what comes in meanwhile, into every slice, is not in the file."""
    with closing(exporting.Reading(Selection(live=False), exporting.COLUMNS)) as reading:
        late = {
            make.payment(make.link(), created_at=UNTIL - timedelta(days=20 * n)).order_id
            for n in range(1, 16)
        }
        file = b"".join(part for _, part in reading.csv())
        count = reading.sums().count
    shown = [row["Order ID"] for row in dicts(file)]
    assert len(shown) == count
    assert not late & {*shown}
    assert late <= {row["Order ID"] for row in taken(Selection(live=False))}


def reverse_transfer(pk: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_transfer (live, at, day, payment_id, refund_id, debit, credit,"
            " paise, method, reverses_id, folded) SELECT live, at, day, payment_id, refund_id,"
            " credit, debit, paise, method, id, false FROM payments_transfer WHERE id = %s",
            [pk],
        )


def test_other_peoples_words_are_text_and_stay_whole(shop: Tenant) -> None:
    payments = [*Payment.objects.order_by("pk")[: len(HOSTILE)]]
    for payment, words in zip(payments, HOSTILE, strict=True):
        payment.payer_name = words
        payment.answers = [["Flat", words], ["Tower", "B"]] if words else []
        payment.save(update_fields=["payer_name", "answers"])
    rows = {row["Order ID"]: row for row in taken(Selection(live=False))}
    for payment, words in zip(payments, HOSTILE, strict=True):
        name = rows[payment.order_id]["Customer"]
        assert name == (f"'{words}" if words[:1] in {*"=+-@\t\r＝"} - {""} and words else words)
        told = f"Flat: {words}; Tower: B" if words else ""
        assert rows[payment.order_id]["Answers"] == told


def test_times_are_the_merchants_and_the_heading_says_so(shop: Tenant) -> None:
    make.payment(make.link(), created_at=datetime(2026, 11, 27, 18, 29, 59, 999_999, tzinfo=UTC))
    make.payment(make.link(), created_at=datetime(2026, 11, 27, 18, 30, tzinfo=UTC))
    day = date(2026, 11, 27)
    [row] = taken(Selection(live=False, first=day, last=day), "when", "settled")[:1]
    assert [*row] == ["Time (Asia/Kolkata)", *ALWAYS, "Paid out on"]
    assert row["Time (Asia/Kolkata)"] == "2026-11-27 23:59:59"


def test_an_empty_selection_is_a_heading(shop: Tenant) -> None:
    wanted = Selection(live=False, min_paise=10**14)
    file = b"".join(exporting.csv_parts(wanted, exporting.chosen(["asked", "nothing"])))
    assert file.startswith("\ufeff".encode())
    assert table(file) == [ALWAYS]


# --- Streams


def test_streams_and_requests_interleaved_never_leak(shop: Tenant, sign_in: SignIn) -> None:
    """Two streams and other pages in one thread, part by part, whoever was served in between."""
    at_acme, at_globex = sign_in(alice()), sign_in(User.objects.get(name="Charlie"))
    Payment.objects.update(payer_name="canary of acme")
    others = {"acme": (at_globex, "globex"), "globex": (at_acme, "acme")}
    parts: dict[str, list[bytes]] = {"acme": [], "globex": []}
    streams = []
    for slug, client in (("acme", at_acme), ("globex", at_globex)):
        answer = client.get(f"/m/{slug}/test/payments.csv")
        streams.append((slug, answer, iter(answer.streaming_content)))
    while streams:
        for slug, answer, stream in [*streams]:
            part = next(stream, None)
            if part is None:
                streams.remove((slug, answer, stream))
                answer.close()
                continue
            parts[slug].append(part)
            other, others_slug = others[slug]
            assert other.get(f"/m/{others_slug}/test/links").status_code == 200
    for slug, mine in parts.items():
        assert len(mine) > 1
        rows = dicts(b"".join(mine))
        assert len(rows) >= COUNT  # other tests may have added some
        assert {row["Customer"] for row in rows} == {f"canary of {slug}"}


def own_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def until_none_more_than(count: int) -> None:
    for _ in range(200):
        if own_connections() <= count:
            return
    raise AssertionError(f"{own_connections()} connections")


def test_a_stream_that_is_left_gives_its_connection_back(shop: Tenant, sign_in: SignIn) -> None:
    client, before = sign_in(alice()), own_connections()
    for _ in range(5):
        answer = client.get(url("payments_csv"))
        next(iter(answer.streaming_content))
        answer.close()
        client.get(url("payments_csv")).close()
    until_none_more_than(before)


def test_a_third_stream_of_a_process_is_made_in_the_background_instead(
    shop: Tenant, sign_in: SignIn
) -> None:
    client = sign_in(alice())
    open_ones = [client.get(url("payments_csv")) for _ in range(2)]
    refused = client.get(f"{url('payments_csv')}?status=paid")
    assert refused.status_code == 302
    assert refused["Location"] == f"{url('exports')}?status=paid"
    for answer in open_ones:
        answer.close()
    assert len(dicts(content(client.get(url("payments_csv"))))) >= COUNT


def test_a_stream_that_breaks_breaks_loudly(
    shop: Tenant, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "AT_FIRST", 1)
    monkeypatch.setattr(exporting, "AT_ONCE", 1)
    answer = sign_in(alice()).get(url("payments_csv"))
    stream = iter(answer.streaming_content)
    next(stream)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state IN ('active', 'idle in transaction')"
        )
    rest: list[bytes] = []
    with pytest.raises(psycopg2.Error):
        rest.extend(stream)
    assert b"INCOMPLETE" in rest[-1]
    answer.close()


def test_a_small_file_goes_whole_and_with_its_length(shop: Tenant, sign_in: SignIn) -> None:
    answer = sign_in(alice()).get(f"{url('payments_csv')}?status=surplus")
    assert not answer.streaming
    assert answer["Content-Length"] == str(len(answer.content))


def test_what_changes_while_it_is_read_is_not_in_it(shop: Tenant, sign_in: SignIn) -> None:
    answer = sign_in(alice()).get(f"{url('payments_csv')}?columns=customer")
    stream = iter(answer.streaming_content)
    first = next(stream)
    Payment.objects.update(payer_name="changed")
    with closing(answer):
        rows = dicts(first + b"".join(stream))
    assert [*rows[0]] == [*ALWAYS, "Customer"]
    assert "changed" not in {row["Customer"] for row in rows}


def test_a_viewer_takes_nothing_away(shop: Tenant, sign_in: SignIn) -> None:
    viewer = cast.person("Vikram")
    Membership.objects.create(tenant=shop, user=viewer, role=Role.VIEWER)
    try:
        client = sign_in(viewer)
        for name in ("payments_csv", "exports"):
            assert client.get(url(name)).status_code == 403
    finally:
        viewer.delete()


# --- Files made in the background


def asked(client: Client, query: str = "", **said: Any) -> ExportFile:
    page = client.get(f"{url('exports')}{query}")
    form = page.context["form"]
    ticked = form["columns"].value()
    body = {"format": "csv", "columns": ticked, "key": form["key"].value()} | said
    answer = client.post(f"{url('exports')}{query}", body)
    assert answer.status_code == 302, answer.content
    return ExportFile.objects.get(pk=answer["Location"].rsplit("/", 1)[1])


def now_of(file: ExportFile) -> ExportFile:
    return ExportFile.objects.get(pk=file.pk)


def test_a_file_is_made_fetched_and_written_down(shop: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice())
    file = asked(client, "?status=paid")
    assert "Waiting its turn" in client.get(url("export", id=file.pk)).content.decode()
    assert client.get(url("export_file", id=file.pk)).status_code == 409
    run_due()
    done = now_of(file)
    assert done.state == "done"
    paid = Payment.objects.filter(state="paid")
    assert done.count == done.done == paid.count()
    page = " ".join(client.get(url("export", id=file.pk)).content.decode().split())
    held = ledger.received_of([*paid.values_list("pk", flat=True)])
    assert done.received_paise == sum(held.values())
    assert "Ready" in page
    listed = client.get(url("exports")).content.decode()
    assert f'href="{url("export_file", id=file.pk)}"' in listed
    assert '<span class="under">Paid</span>' in listed
    assert "Kept until" in listed

    answer = client.get(url("export_file", id=file.pk))
    got = content(answer)
    assert answer["Content-Length"] == str(len(got)) == str(done.size)
    assert got == content(client.get(f"{url('payments_csv')}?status=paid"))
    assert sum(paise(row["Received (INR)"]) for row in dicts(got)) == done.received_paise
    acts = AuditEvent.objects.filter(subject_id=file.pk).order_by("id")
    assert [*acts.values_list("act", "by_name")] == [
        ("export.made", "Alice"), ("export.fetched", "Alice"),
    ]  # fmt: skip


def test_the_same_form_twice_is_one_file(shop: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice())
    first = asked(client, key="k" * 22)
    assert asked(client, key="k" * 22) == first
    assert Job.objects.filter(kind=export_files.make.kind).count() == 1


def test_files_are_seen_by_who_made_them_and_by_managers(shop: Tenant, sign_in: SignIn) -> None:
    bob, other = User.objects.get(name="Bob"), cast.person("Bina")
    Membership.objects.create(tenant=shop, user=other, role=Role.FINANCE)
    try:
        at_bob, at_other, at_alice = sign_in(bob), sign_in(other), sign_in(alice())
        file = asked(at_bob)
        run_due()
        codes = [c.get(url("export_file", id=file.pk)) for c in (at_bob, at_alice, at_other)]
        assert [answer.status_code for answer in codes] == [200, 200, 404]
        for answer in codes:
            answer.close()
        assert "Bob" in at_alice.get(url("exports")).content.decode()
        assert str(file.pk) not in at_other.get(url("exports")).content.decode()
        Membership.objects.filter(user=bob).delete()
        assert at_bob.get(url("export_file", id=file.pk)).status_code == 404
    finally:
        other.delete()


def test_after_a_week_it_is_gone(shop: Tenant, sign_in: SignIn, clock: Any) -> None:
    client = sign_in(alice())
    file = asked(client)
    run_due()
    clock(KEPT.total_seconds() + 1)
    early = client.get(url("export_file", id=file.pk))
    assert early.status_code == 410
    assert url("export_file", id=file.pk) not in early.content.decode()
    assert "Expired" in client.get(url("exports")).content.decode()
    assert ExportChunk.objects.exists()
    mend()
    assert not ExportChunk.objects.exists()
    assert now_of(file).state == "expired"
    gone = client.get(url("export_file", id=file.pk))
    assert gone.status_code == 410
    assert "This file has expired" in gone.content.decode()


def test_it_can_be_cancelled_before_it_is_made(shop: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice())
    file = asked(client)
    assert client.post(url("export_cancel", id=file.pk)).status_code == 302
    run_due()
    assert now_of(file).state == "cancelled"
    assert not ExportChunk.objects.exists()
    again = client.post(url("export_cancel", id=file.pk), follow=True)
    assert "Nothing is left to cancel" in again.content.decode()


def test_who_was_overtaken_or_cancelled_writes_no_more(shop: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(export_files, "CHUNK", 20_000)
    file = export_files.ask(Selection(live=False), "csv", [], key="k" * 22, by=alice())
    late = export_files._begin(file.pk)
    assert late is not None
    export_files.make(file_id=str(file.pk))
    whole = b"".join(bytes(chunk.data) for chunk in now_of(file).chunks.order_by("number"))
    with pytest.raises(export_files.Stopped):
        export_files._write(late)
    assert (now_of(file).state, now_of(file).turn) == ("done", 2)
    assert now_of(file).chunks.count() > 1
    assert len(dicts(whole)) == Payment.objects.count()
    assert whole == b"".join(bytes(chunk.data) for chunk in now_of(file).chunks.order_by("number"))


def test_what_nobody_makes_any_more_is_given_up(shop: Tenant, clock: Any, sign_in: SignIn) -> None:
    file = export_files.ask(Selection(live=False), "csv", [], key="k" * 22, by=alice())
    clock(3600)
    mend()
    assert now_of(file).state == "waiting"  # its job is there
    Job.objects.filter(kind=export_files.make.kind).delete()
    mend()
    assert now_of(file).state == "failed"
    good = export_files.ask(Selection(live=False), "csv", [], key="j" * 22, by=alice())
    run_due()
    heard = Notice.objects.filter(user_id=alice().pk).values_list("kind", "url")
    assert {*heard} >= {
        ("export.failed", url("export", id=file.pk)),
        ("export.done", url("export", id=good.pk)),
    }
    page = sign_in(alice()).get(url("export", id=file.pk)).content.decode()
    assert "could not be made" in page


def test_only_so_many_are_made_at_once(shop: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice())
    for _ in range(export_files.UNDER_WAY_AT_ONCE):
        asked(client)
    form = client.get(url("exports")).context["form"]
    body = {"format": "csv", "columns": ["when"], "key": form["key"].value()}
    assert client.post(url("exports"), body).status_code == 429
    assert client.post(url("exports"), body | {"format": "exe"}).status_code == 422


def test_what_it_holds_was_chosen_then(shop: Tenant) -> None:
    """Words of a selection survive the way through the table."""
    wanted = Selection(
        live=False, states=("paid",), first=date(2026, 4, 1), min_paise=1,
        link_id=UUID(int=5), words=("two words", "x"), tag="late",
    )  # fmt: skip
    assert export_files.read(Selection, export_files.stored(wanted)) == wanted
    assert export_files.read(Selection, {"live": True, "of_old": 1}) == replace(
        Selection(live=True)
    )


# --- XLSX


def as_shown(cell: str | None) -> str:
    """Excel's way to write characters that XML has not, which openpyxl leaves as it is."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), cell or "")


def test_a_workbook_has_numbers_days_and_text_and_no_formula(shop: Tenant, sign_in: SignIn) -> None:
    for payment, words in zip(Payment.objects.order_by("pk"), HOSTILE, strict=False):
        Payment.objects.filter(pk=payment.pk).update(payer_name=words)
    client = sign_in(alice())
    file = asked(client, format="xlsx")
    run_due()
    answer = client.get(url("export_file", id=file.pk))
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    book = openpyxl.load_workbook(io.BytesIO(content(answer)))
    head, *rows = book.active.iter_rows()
    names = [cell.value for cell in head]
    assert names[0] == "Time (Asia/Kolkata)"
    assert len(rows) == Payment.objects.count()
    assert {cell.data_type for row in rows for cell in row} <= {"n", "s", "d", "inlineStr"}
    column = {name: place for place, name in enumerate(names)}
    by_id = {row[column["Order ID"]].value: row for row in rows}
    held = ledger.received_of([*Payment.objects.values_list("pk", flat=True)])
    for payment in Payment.objects.all():
        row = by_id[payment.order_id]
        received = held.get(payment.pk, 0)
        for name, money in (("Asked", payment.amount_paise), ("Received", received)):
            cell = row[column[f"{name} (INR)"]]
            assert f"{cell.value:.2f}" == plain_inr(money)
            assert cell.number_format.endswith("##,##0.00")
        local = (payment.created_at + timedelta(hours=5, minutes=30)).replace(tzinfo=None)
        assert abs(row[0].value - local) <= timedelta(seconds=1)
        assert as_shown(row[column["Customer"]].value) == payment.payer_name
    assert {Method(p).label for p in ("upi", "wallet")} <= {
        row[column["Method"]].value for row in rows
    }


@needs_office
@pytest.mark.slow
def test_libreoffice_shows_what_the_csv_says(shop: Tenant, sign_in: SignIn, tmp_path: Path) -> None:
    for payment, words in zip(Payment.objects.order_by("pk"), HOSTILE, strict=False):
        Payment.objects.filter(pk=payment.pk).update(payer_name=words)
    client = sign_in(alice())
    files = {}
    for format in ("csv", "xlsx"):
        file = asked(client, format=format)
        run_due()
        files[format] = content(client.get(url("export_file", id=file.pk)))
    shown = office.shown({"payments": files["xlsx"]}, tmp_path)["payments"]
    assert shown == [[*map(unguarded, row)] for row in table(files["csv"])]


def unguarded(cell: str) -> str:
    """Without what keeps a formula in CSV from being one."""
    return cell[1:] if cell[:1] == "'" and ord(cell[1:2] or " ") in exporting.FORMULA else cell
