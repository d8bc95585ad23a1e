"""Everything at once on one payment and one merchant: no deadlock, no figure that differs."""

# ruff: noqa: B023  (acts run before the loop goes on)
import random
import uuid

from django.db import connection

from payments import notices, reporting
from payments.asking import ask, ask_soon
from payments.folding import fold
from payments.models import Message, Payment, Transfer
from payments.refunding import NotRefundable, TooMuch, ask_refund, push_refund
from payments.settling import settle
from tenants.current import today
from tenants.models import Tenant, User
from tests import make
from tests.conftest import browser
from tests.crowd import at_once
from tests.payments.test_settling import answer
from tests.wire import Simulator, go_to_paytm


def test_no_deadlock_between_settling_refunding_and_being_told(
    open_acme: Tenant, simulator: Simulator
) -> None:
    alice = User.objects.get(name="Alice")
    link = make.link()
    for _ in range(6):
        callback = simulator.decide(go_to_paytm(browser(), f"/p/{link.token}"), "success")
        order = ask(Payment.objects.select_related("account").latest("created_at"))
        pairs = list(callback.fields.items())
        forged = [(n, "1" if n == "TXNAMOUNT" else v) for n, v in pairs]

        def refund(n: int, order: Payment = order) -> None:
            try:
                made = ask_refund(order, 100_00, "", alice, f"key-{n:08}")
            except (NotRefundable, TooMuch):
                return
            push_refund(refund_id=str(made.pk))

        def refused(n: int, forged=forged) -> None:
            notices.receive_form([*forged, ("X", str(n))], False, Message.Source.CALLBACK)

        acts = [lambda n=n: refund(n) for n in range(3)]
        acts += [lambda n=n: settle(order, answer(order, raw=str(n))) for n in range(3)]
        acts += [lambda: notices.receive_form(pairs, False, Message.Source.CALLBACK)] * 3
        acts += [lambda n=n: refused(n) for n in range(3)]
        acts += [lambda: ask_soon(order)] * 2
        acts += [lambda: fold()] * 2
        at_once(open_acme, random.sample(acts, len(acts)))
    fold()
    figures = reporting.total(reporting.by_day(False, today(), today()))
    assert figures.sales_paise == sum(t.paise for t in Transfer.objects.filter(credit="sales"))


def test_reading_figures_while_they_are_folded(open_acme: Tenant) -> None:
    link = make.link()
    orders = [make.payment(link) for _ in range(40)]
    for order in orders:
        settle(order, answer(order))
    seen: list[int] = []

    def read() -> None:
        for _ in range(15):
            seen.append(reporting.total(reporting.by_day(False, today(), today())).sales_paise)

    at_once(open_acme, [read, read, read, lambda: fold(), lambda: fold()])
    assert set(seen) == {40 * 500_00}


def test_at_most_twenty_forgeries_are_kept_even_at_once(
    open_acme: Tenant, simulator: Simulator
) -> None:
    """M2: at most twenty; the count is read without a lock, so a burst keeps more."""
    link = make.link()
    callback = simulator.decide(go_to_paytm(browser(), f"/p/{link.token}"), "success")
    order = Payment.objects.latest("created_at")
    pairs = [(n, v) for n, v in callback.fields.items() if n != "CHECKSUMHASH"]

    def forge(n: int) -> None:
        for m in range(4):
            notices.receive_form([*pairs, ("X", f"{n}-{m}")], False, Message.Source.CALLBACK)

    at_once(open_acme, [lambda n=n: forge(n) for n in range(16)])
    assert order.messages.filter(verdict__startswith="refused").count() <= 20


def test_staff_who_create_one_merchant_twice_at_once_get_an_answer(open_acme: Tenant) -> None:
    """supervising.create lets the unique slug's IntegrityError through: a 500."""
    from django.db import IntegrityError

    from tenants.platform import supervising
    from tenants.provisioning import BadSlug

    alice = User.objects.get(name="Alice")
    slug = f"twice-{uuid.uuid4().hex[:8]}"

    def create() -> str:
        try:
            supervising.create(name="Twice", slug=slug, owner=alice, by=alice)
        except BadSlug:
            return "taken"
        except IntegrityError:
            return "500"
        return "made"

    connection.set_schema_to_public()
    try:
        assert sorted(at_once(open_acme, [create] * 2)) == ["made", "taken"]
    finally:
        connection.set_schema_to_public()
        for tenant in Tenant.objects.filter(slug=slug):
            tenant.staff_acts.all().delete()
            tenant.delete(force_drop=True)
