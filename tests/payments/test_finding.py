"""Any selection of payments: the list, its totals and its condition say what a plain reading of
the payments says, whichever way the list went, and to the paisa."""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.clock import now
from dashboard import payment_rows
from merchants.models import PaytmAccount
from payments import annotating, finding, ledger, searching
from payments.finding import Place
from payments.models import Link, Payment
from payments.selecting import Selection, quoted
from payments.states import ARRIVED, PaymentState
from payments.totalling import exact_totals, totals
from tenants.current import current_tenant
from tenants.models import Tenant, User
from tenants.routing import new_token
from tests import make
from tests.proof import size

IST = ZoneInfo("Asia/Kolkata")
NAMES = ("Ravi Kumar", "José Müller", "Kumari", "राम शर्मा", "", "Al")
MAILS = ("ravi.kumar@example.com", "", "k2345@mail.example")
PHONES = ("+91 98765 43210", "9876500001", "", "080-2345 6789")
METHODS = ("upi", "credit_card", "")
TAGS = ("vip", "big order")
NOTES = ("called the shop", "Invoice 2345/26")
PAISE = (100, 499_50, 500_00, 500_01, 5_000_00)
WORDS = ("kumar", "KUMAR", "jose", "ra", "राम", "3210", "9876543210", "2345", "called shop",
         "ravi kumar", "nobody", "example", "al", "pay_", "26", "vi.ku")  # fmt: skip


@dataclass
class Known:
    """What the test put into a payment."""

    payment: Payment
    received: int = 0
    refunded: int = 0
    tags: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


@pytest.fixture
def books(in_acme: Tenant, paytm: Any, alice: User) -> list[Known]:
    """Payments of both worlds over three months, many at borders: midnights, amounts, moments."""
    make.paytm_account("LIVEMID0000000000001", "live0000merchant", live=True)
    dice = random.Random(5)
    links = [make.link(live=live) for live in (False, False, True)]
    return [payment(dice, links, alice) for _ in range(70)]


def payment(dice: random.Random, links: list[Link], by: User) -> Known:
    link, paise = dice.choice(links), dice.choice(PAISE)
    state = dice.choice(PaymentState.values)
    received = {"paid": paise, "surplus": paise + 5}.get(state, 0)
    day = datetime.combine(date(2026, 3, 30) + timedelta(days=dice.randint(0, 70)), time(), IST)
    moment = day + timedelta(microseconds=dice.choice((-1, 0, 1, 10**9)))
    made = Payment.objects.create(
        live=link.live,
        token=new_token(current_tenant()),
        link=link,
        account=PaytmAccount.objects.get(live=link.live),
        description=link.description,
        amount_paise=paise,
        state=state,
        created_at=moment,
        received_paise=received,
        refunded_paise=dice.choice((0, received // 2)),
        surplus="amount" if state == "surplus" else "",
        method=dice.choice(METHODS),
        # A payout may name one of which Paytm never told us that it was paid.
        settled_on=dice.choice((None, date(2026, 6, 1))) if received or state == "failed" else None,
        payer_name=dice.choice(NAMES),
        payer_email=dice.choice(MAILS),
        payer_phone=dice.choice(PHONES),
        paytm_txn_id=f"T{dice.randint(0, 10**6):020}",
    )
    if received:
        book = ledger.book_sale if state == "paid" else ledger.book_surplus
        book(made, received)
    known = Known(made, received, made.refunded_paise)
    if dice.random() < 0.3:
        known.tags.add(dice.choice(TAGS))
        annotating.add_tag(made.live, [made.pk], next(iter(known.tags)), by)
    if dice.random() < 0.3:
        known.notes.append(dice.choice(NOTES))
        annotating.add_note(made, known.notes[0], by)
    searching.write(made.pk)
    return known


@pytest.fixture(autouse=True)
def _short_strides(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few dozen payments take every way there is."""
    monkeypatch.setattr(finding, "STRIDES", (3, 9, 20, None))


DAYS = st.none() | st.dates(date(2026, 3, 28), date(2026, 6, 12))
AMOUNTS = st.none() | st.sampled_from([paise + by for paise in PAISE for by in (-1, 0, 1)])
SELECTIONS = st.builds(
    Selection,
    live=st.booleans(),
    states=st.lists(st.sampled_from(PaymentState.values), max_size=3, unique=True).map(tuple),
    methods=st.lists(st.sampled_from(("upi", "credit_card")), max_size=2, unique=True).map(tuple),
    first=DAYS,
    last=DAYS,
    min_paise=AMOUNTS,
    max_paise=AMOUNTS,
    tag=st.sampled_from(("", "", "", *TAGS, "unknown")),
    refunded=st.sampled_from(("", "", "yes", "no")),
    settled=st.sampled_from(("", "", "yes", "no")),
    words=st.lists(st.sampled_from(WORDS), max_size=2, unique=True).map(tuple),
)
# What people narrow by is one or two things; all at once leaves nothing.
FEW_AT_ONCE = st.builds(
    lambda whole, names: replace(
        Selection(whole.live), **{name: getattr(whole, name) for name in names}
    ),
    SELECTIONS,
    st.sets(
        st.sampled_from(
            [
                "states",
                "methods",
                "first",
                "last",
                "min_paise",
                "max_paise",
                "tag",
                "refunded",
                "settled",
                "words",
            ]
        ),
        max_size=3,
    ),
)


def fits(known: Known, asked: Selection, link: UUID | None = None) -> bool:
    """A plain reading of the selection."""
    p = known.payment
    day = p.created_at.astimezone(IST).date()
    paise = known.received or p.amount_paise
    return all(
        (
            p.live == asked.live,
            not asked.states or p.state in asked.states,
            not asked.methods or p.method in asked.methods,
            asked.first is None or day >= asked.first,
            asked.last is None or day <= asked.last,
            asked.min_paise is None or paise >= asked.min_paise,
            asked.max_paise is None or paise <= asked.max_paise,
            asked.link_id is None or p.link_id == asked.link_id,
            not asked.tag or asked.tag in known.tags,
            not asked.refunded or (known.refunded > 0) is (asked.refunded == "yes"),
            not asked.settled or is_settled(p) is (asked.settled == "yes"),
            all(is_found(known, word) for word in asked.words),
        )
    )


def is_settled(p: Payment) -> bool | None:
    return p.settled_on is not None if p.settled_on or p.state in ARRIVED else None


def is_found(known: Known, word: str) -> bool:
    p = known.payment
    words = " " + searching.folded(" ".join([p.payer_name, p.payer_email, *known.notes]))
    ids = [p.order_id, p.paytm_txn_id, p.bank_txn_id, p.payer_phone]
    ends = ["".join(c for c in id.lower() if c.isascii() and c.isalnum()) for id in ids]
    text = searching.folded(word)
    compact = text.replace(" ", "")
    begins = " " if len(text.split(" ")[0]) < 3 else ""
    has_end = len(compact) >= 4 and compact.isascii()
    return (
        (begins + text in words)
        or (has_end and any(end.endswith(compact) for end in ends))
        or (word.startswith("pay_") and p.order_id.startswith(word) and len(word) > 4)
        or (len(word) >= 6 and word.isalnum() and p.order_id.startswith(f"pay_{word}"))
    )


def walked(asked: Selection, newer: bool) -> list[UUID]:
    """All of the list, three payments at a time, from its top or from its end."""
    place = Place(datetime(2000, 1, 1, tzinfo=UTC), UUID(int=0), newer=True) if newer else Place()
    ids = list[UUID]()
    while page := payment_rows.found(asked, ("state", "tags"), 3, place):
        ids += [row.id for row in page]
        place = Place(page[-1].created_at, page[-1].id, newer)
    return ids[::-1] if newer else ids


def by_condition(asked: Selection) -> set[UUID]:
    where, values = asked.where()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT p.id FROM payments_payment AS p WHERE {where}", values)
        return {id for (id,) in cursor.fetchall()}


@pytest.mark.proof
def test_list_totals_and_condition_agree_with_a_plain_reading(books: list[Known]) -> None:
    in_order = sorted(books, key=lambda k: (-k.payment.created_at.timestamp(), k.payment.pk))
    in_order.sort(key=lambda k: k.payment.created_at, reverse=True)

    @settings(
        max_examples=size(150, 2000),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(asked=FEW_AT_ONCE | SELECTIONS, newer=st.booleans(), of_link=st.booleans())
    def agree(asked: Selection, newer: bool, of_link: bool) -> None:
        if of_link:
            asked = replace(asked, link_id=books[0].payment.link_id)
        wanted = [known for known in in_order if fits(known, asked)]
        assert walked(asked, newer) == [known.payment.pk for known in wanted]
        assert by_condition(asked) == {known.payment.pk for known in wanted}
        came = [known for known in wanted if known.received]
        sums = (len(wanted), len(came), sum(k.received for k in came))
        for answer in (totals(asked), exact_totals(asked)):
            assert answer.is_exact
            assert (answer.count, answer.arrived_count, answer.arrived_paise) == sums
            assert answer.refunded_paise == sum(known.refunded for known in wanted)

    agree()


def test_rows_show_what_the_ledger_holds(books: list[Known]) -> None:
    rows = payment_rows.found(Selection(live=False), (), 100, Place())
    held = ledger.received_of([row.id for row in rows])
    assert len(rows) == sum(not known.payment.live for known in books)
    for row in rows:
        assert row.arrived_paise == held.get(row.id, row.amount_paise)


@pytest.mark.parametrize("text", [*WORDS, "Ångström", "ﬁne", "a\u0301b", "x-y_z", "नुक़्ता", "١٢٣٤"])
def test_sql_and_python_fold_words_alike(in_acme: Tenant, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT btrim({searching._folded('%s')})", [text])
        assert cursor.fetchone()[0] == searching.folded(text)


@given(st.text(alphabet=' "ab1:éक-9+', max_size=30))
def test_terms_survive_being_written_down(text: str) -> None:
    terms = searching.terms_of(text)
    assert set(searching.terms_of(" ".join(map(quoted, terms)))) == set(terms)


@pytest.mark.parametrize(
    "scrap",
    ["ravi", "RAVI KUM", "kumar@example", "98765 43210", "+91-98765-43210", "919876543210",
     "3210", "543210", "00042", "t1234567890", "UTR-77/01", "7701", "parking", '"lost receipt"'],
)  # fmt: skip
def test_each_kind_of_scrap_finds_the_payment(
    in_acme: Tenant, paytm: Any, alice: User, scrap: str
) -> None:
    wanted = make.payment(
        make.link(),
        payer_name="Ravi Kumar",
        payer_email="kumar@example.com",
        payer_phone="+91 98765 43210",
        paytm_txn_id="T1234567890",
        bank_txn_id="UTR-77/01",
    )
    annotating.add_note(wanted, "Lost receipt, parking 00042", alice)
    other = make.payment(make.link(), payer_name="Somebody")
    searching.write(other.pk)
    asked = Selection(live=False, words=searching.terms_of(scrap))
    assert walked(asked, newer=False) == [wanted.pk]


def test_what_lacks_its_text_is_healed(in_acme: Tenant, paytm: Any) -> None:
    link = make.link()
    old = [make.payment(link, created_at=now() - timedelta(days=n * 30)) for n in range(1, 4)]
    assert searching.heal(2) == 2
    assert searching.heal(2) == 1
    fresh = make.payment(link)
    assert searching.heal(2) == 1
    assert searching.heal(2) == 0
    for each in (*old, fresh):
        asked = Selection(live=False, words=(each.order_id[-6:],))
        assert walked(asked, newer=False) == [each.pk]


def test_an_order_id_is_found_before_its_text_is_written(in_acme: Tenant, paytm: Any) -> None:
    payment = make.payment(make.link())
    for word in (payment.order_id, payment.order_id[:9], payment.order_id[4:12]):
        assert walked(Selection(live=False, words=(word,)), newer=False) == [payment.pk]


def test_tags_are_counted_once_each(books: list[Known]) -> None:
    for live in (False, True):
        mine = [known for known in books if known.payment.live is live]
        counts = {tag: sum(tag in known.tags for known in mine) for tag in TAGS}
        expected = sorted((tag, n) for tag, n in counts.items() if n)
        assert annotating.tags_in_use(live) == expected
