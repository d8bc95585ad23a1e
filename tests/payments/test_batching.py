"""A file becomes links: what is read, what a row may say, and each good row once."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.clock import now
from merchants.models import AuditEvent
from payments import batching, questions
from payments.batching import CHUNK, FIELDS, BadFile, NotOpen, cancel, read_sheet, start
from payments.models import Batch, Link
from payments.money import MAX_PAISE, MIN_PAISE
from payments.questions import Question
from tenants.jobs import run_due
from tenants.models import Job, Tenant, User
from tests import make

INDIA = ZoneInfo("Asia/Kolkata")
NEXT_YEAR = datetime.now(INDIA).year + 1

pytestmark = pytest.mark.usefixtures("in_acme")


def judged(**cells: str) -> batching.Row:
    """What becomes of a row with these cells."""
    row = {"description": "Chai", "amount": "20"} | cells
    text = io.StringIO()
    csv.writer(text).writerows([row.keys(), row.values()])
    return first(text.getvalue())


def first(text: str) -> batching.Row:
    sheet = read_sheet(text.encode())
    batch, _ = batching.keep(sheet, "x.csv", live=False, by=User.objects.get(name="Alice"))
    return next(batching.rows_of(batch))[1]


def made() -> list[tuple[int | None, str]]:
    return [*Link.objects.order_by("batch_row").values_list("batch_row", "description")]


# --- Reading


@pytest.mark.parametrize(
    "content",
    [
        "description,amount\nChai,20\n",
        "description;amount\r\nChai;20\r\n",
        "description\tamount\nChai\t20",
        "\ufeffDescription , AMOUNT\n Chai , 20 \n\n,,\n",
        'amount,description\n20,"Chai"\n',
        "description,amount,error\nChai,20,what was wrong once\n",
    ],
)
def test_a_file_says_the_same_however_it_is_written(content: str) -> None:
    plain = read_sheet(b"description,amount\nChai,20\n")
    assert read_sheet(content.encode()).digest == plain.digest
    assert read_sheet(content.lstrip("\ufeff").encode("utf-16")).digest == plain.digest


def test_rows_keep_the_numbers_that_a_spreadsheet_shows() -> None:
    sheet = read_sheet(b'description\nOne\n\n"Two\nlines"\n,\nThree\n')
    assert [number for number, cells in sheet.rows] == [2, 4, 6]


@pytest.mark.parametrize(
    ("content", "reason", "names"),
    [
        (b"", "no_description", []),
        (b"amount\n20\n", "no_description", []),
        (b"description,price,Colour \nChai,20,red\n", "unknown", ["price", "Colour"]),
        (b"description,amount,amount\nChai,20,21\n", "twice", ["amount"]),
        (b"description,,amount\nChai,,20\n", "unknown", [""]),
        (b"description,link\nChai,http://x/\n", "result", []),
        (b"description\n", "empty", []),
        (b"description\n,,\n\n", "empty", []),
        (b'description\n"Chai\n', "not_csv", []),
        ("description\nCafé\n".encode("cp1252"), "not_text", []),
        (b"description\nChai\0\n", "not_text", []),
        (b"\xff\xfed", "not_text", []),
        (b"description\n" + b"Chai\n" * 5001, "too_long", []),
        (b"description\n" + b"x" * 2 * 1024 * 1024, "too_large", []),
    ],
)
def test_what_is_no_file_of_links_is_refused(content: bytes, reason: str, names: list[str]) -> None:
    with pytest.raises(BadFile) as refused:
        read_sheet(content)
    assert (refused.value.reason, refused.value.names) == (reason, names)


def test_the_longest_file_is_read() -> None:
    assert len(read_sheet(b"description\n" + b"Chai\n" * 5000).rows) == 5000


# --- Rows


def test_a_row_sets_every_term() -> None:
    terms = judged(
        description="  Invoice  1042 ", amount="499.50", reference="INV-1042", notes="a\nb",
        payments="3", starts_at=f"{NEXT_YEAR}-01-31", expires_at=f"31/03/{NEXT_YEAR}",
        ask_name="Required", ask_email="optional", ask_phone="NO", thanks="Thank you",
        return_url="https://shop.example/thanks",
    ).terms  # fmt: skip
    assert terms
    assert (terms.description, terms.amount_paise) == ("Invoice 1042", 499_50)
    assert (terms.reference, terms.notes, terms.max_payments) == ("INV-1042", "a\nb", 3)
    assert terms.starts_at == datetime(NEXT_YEAR, 1, 31, tzinfo=INDIA)
    assert terms.expires_at == datetime(NEXT_YEAR, 3, 31, 23, 59, tzinfo=INDIA)
    assert (terms.ask_name, terms.ask_email, terms.ask_phone) == ("required", "optional", "no")
    assert (terms.thanks, terms.return_url) == ("Thank you", "https://shop.example/thanks")


def test_a_row_with_a_description_alone_is_an_open_link_for_one_payment() -> None:
    terms = first("description\nDonation\n").terms
    assert terms
    assert (terms.amount_paise, terms.max_payments) == (None, 1)
    assert (terms.min_paise, terms.max_paise) == (MIN_PAISE, MAX_PAISE)


def test_an_open_link_has_limits_and_any_number_of_payments() -> None:
    terms = judged(amount="", min_amount="10", max_amount="500", payments="Unlimited").terms
    assert terms
    assert (terms.min_paise, terms.max_paise, terms.max_payments) == (10_00, 500_00, None)


def test_a_row_asks_and_limits_as_the_form_does() -> None:
    terms = judged(
        amount="", suggestions="500, 100,250.50", methods="Wallet, credit card,upi",
        questions="Roll number (number, required); Size (EU) (choice: S | M); I agree (checkbox);"
        " Born on (date) ; Remarks;",
    ).terms  # fmt: skip
    assert terms
    assert terms.suggestions == [100_00, 250_50, 500_00]
    assert terms.methods == ["upi", "credit_card", "wallet"]
    assert questions.read(terms.questions) == [
        Question("Roll number", "number", True),
        Question("Size (EU)", "choice", False, ["S", "M"]),
        Question("I agree", "checkbox"),
        Question("Born on", "date"),
        Question("Remarks", "text"),
    ]


@pytest.mark.parametrize(
    "text", ["{}-03-31 18:00", "31-03-{} 18:00", "31/03/{} 18:00", "{}-03-31T18:00:00+05:30"]
)
def test_moments_are_read_as_spreadsheets_write_them(text: str) -> None:
    terms = judged(expires_at=text.format(NEXT_YEAR)).terms
    assert terms
    assert terms.expires_at == datetime(NEXT_YEAR, 3, 31, 18, tzinfo=INDIA)


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"description": ""}, "description", "This field is required."),
        ({"description": "x" * 121}, "description", "at most 120 characters"),
        ({"amount": "0.99"}, "amount", "from ₹1.00 to ₹10,00,000.00"),
        ({"amount": "1,000"}, "amount", "plain digits"),
        ({"amount": "-5"}, "amount", "plain digits"),
        ({"min_amount": "5"}, "min_amount", "Leave this empty"),
        ({"amount": "", "min_amount": "20", "max_amount": "10"}, "max_amount", "less than"),
        ({"reference": "x" * 61}, "reference", "at most 60 characters"),
        ({"payments": "0"}, "payments", "greater than or equal to 1"),
        ({"payments": "some"}, "payments", "whole number, or “unlimited”"),
        ({"payments": "100001"}, "payments", "less than or equal to 100000"),
        ({"expires_at": "2020-01-01"}, "expires_at", "still to come"),
        ({"expires_at": "9999-01-01"}, "expires_at", "within ten years"),
        ({"starts_at": "9999-01-01"}, "starts_at", "within ten years"),
        ({"starts_at": "0001-01-01"}, "starts_at", "within ten years"),
        ({"expires_at": "tomorrow"}, "expires_at", "Enter a day such as"),
        ({"expires_at": "12/31/2040"}, "expires_at", "Enter a day such as"),
        (
            {"starts_at": f"{NEXT_YEAR}-02-01", "expires_at": f"{NEXT_YEAR}-01-01"},
            "expires_at",
            "before it starts",
        ),
        ({"ask_name": "yes"}, "ask_name", "“no”, “optional” or “required”"),
        ({"return_url": "javascript:alert(1)"}, "return_url", "begins with https://"),
        ({"suggestions": "10, 20"}, "suggestions", "Leave this empty"),
        ({"amount": "", "suggestions": "10; 20"}, "suggestions", "with commas between"),
        ({"amount": "", "suggestions": "1,2,3,4,5,6,7"}, "suggestions", "at most 6"),
        (
            {"amount": "", "max_amount": "50", "suggestions": "20, 60"},
            "suggestions",
            "from ₹1.00 to ₹50.00",
        ),
        ({"methods": "upi, cheque"}, "methods", "upi, credit_card"),
        ({"questions": "Size (shape)"}, "questions", "Write questions such as"),
        ({"questions": "(number)"}, "questions", "Write questions such as"),
        ({"questions": "Size (text: S | M)"}, "questions", "Write questions such as"),
        ({"questions": "Size (choice: S)"}, "questions", "from 2 to 20 choices"),
        ({"questions": "Size (choice: S | S)"}, "questions", "are the same"),
        ({"questions": "Size; size (number)"}, "questions", "has these words"),
        ({"questions": "x" * 61}, "questions", "at most 60 characters"),
        ({"questions": ";".join("abcdefghi")}, "questions", "Ask at most 8 questions."),
        ({"thanks": "x" * 301}, "thanks", "at most 300 characters"),
        ({"notes": "x" * 1001}, "notes", "at most 1000 characters"),
    ],
)
def test_what_is_wrong_is_told_by_column(cells: dict[str, str], column: str, words: str) -> None:
    row = judged(**cells)
    assert row.terms is None
    assert [*row.errors] == [column]
    assert words in row.errors[column]


def test_cells_beyond_the_heading_are_no_guess() -> None:
    row = first("description,amount\nChai, with milk,20\n")
    assert {"", "amount"} == set(row.errors)


def test_every_column_is_a_term_and_none_is_forgotten() -> None:
    row = judged(**{name: "" for name in FIELDS if name not in ("description", "amount")})
    assert row.terms


# --- Making


def test_each_good_row_becomes_one_link(alice: User) -> None:
    batch = make.batch("Chai,20,A", "Samosa,much,B", "Lassi,,C", by=alice)
    assert made() == []
    start(batch, alice)
    run_due()
    assert made() == [(2, "Chai"), (4, "Lassi")]
    batch.refresh_from_db()
    assert (batch.state, batch.done, batch.total) == ("done", 3, 3)
    assert batch.ended_at
    chai = Link.objects.get(batch_row=2)
    assert (chai.amount_paise, chai.reference, chai.live) == (20_00, "A", False)
    assert (chai.created_by_id, chai.created_by_name) == (alice.pk, "Alice")
    with pytest.raises(NotOpen):
        start(batch, alice)
    with pytest.raises(NotOpen):
        cancel(batch, alice)


def test_a_long_file_is_made_step_by_step(alice: User) -> None:
    lines = [f"Invoice {n},20,{n}" for n in range(2 * CHUNK + 1)]
    batch = make.batch(*lines, by=alice)
    start(batch, alice)
    for done in (CHUNK, 2 * CHUNK, 2 * CHUNK + 1):
        assert run_due(limit=1) == 1
        assert Link.objects.count() == done
    assert run_due() == 0
    assert Batch.objects.get().state == "done"


def test_cancelled_it_stops_after_the_step_and_goes_on_where_it_was(alice: User) -> None:
    lines = [f"Invoice {n},20,{n}" for n in range(2 * CHUNK)]
    batch = make.batch(*lines, by=alice)
    start(batch, alice)
    run_due(limit=1)
    cancel(batch, alice)
    run_due()
    assert Link.objects.count() == CHUNK
    start(batch, alice)
    run_due()
    assert len({row for row, description in made()}) == Link.objects.count() == 2 * CHUNK
    acts = AuditEvent.objects.order_by("id").values_list("act", "after__done")
    assert [*acts] == [
        ("batch.created", 0), ("batch.started", 0), ("batch.cancelled", CHUNK),
        ("batch.started", CHUNK),
    ]  # fmt: skip


def test_cancelled_and_continued_before_a_step_there_is_one_job(alice: User) -> None:
    batch = make.batch(*[f"Invoice {n},20,{n}" for n in range(CHUNK)], by=alice)
    for act in (start, cancel, start):
        act(batch, alice)
    assert Job.objects.count() == 1
    run_due()
    assert Link.objects.count() == CHUNK


def test_a_step_too_many_makes_nothing(alice: User) -> None:
    batch = make.batch("Chai,20,A", by=alice)
    start(batch, alice)
    for _ in range(2):
        batching.make_some(batch_id=str(batch.pk))
    assert made() == [(2, "Chai")]


def test_a_row_whose_time_has_passed_makes_no_link(alice: User, clock: Any) -> None:
    day = (now() + timedelta(days=2)).astimezone(INDIA)
    batch = make.batch(f"Chai,{day:%Y-%m-%d}", by=alice, head="description,expires_at")
    clock(4 * 24 * 3600)
    start(batch, alice)
    run_due()
    assert made() == []
    assert Batch.objects.get().done == 1


def test_a_row_that_began_already_is_open_at_once(alice: User) -> None:
    day = (now() - timedelta(days=2)).astimezone(INDIA)
    start(make.batch(f"Chai,{day:%d/%m/%Y}", by=alice, head="description,starts_at"), alice)
    run_due()
    assert not Link.objects.get().not_yet_open


def test_the_same_file_is_one_batch_in_each_world(alice: User, in_acme: Tenant) -> None:
    first, again = (make.batch("Chai,20,A", by=alice) for _ in range(2))
    other, live = make.batch("Chai,20,B", by=alice), make.batch("Chai,20,A", by=alice, live=True)
    assert first == again
    assert len({first, other, live}) == 3
    assert AuditEvent.objects.filter(act="batch.created").count() == 3
