"""What people do, one function for each kind of operation of the plan."""

import contextlib
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import requests

from payments.money import parse_inr, plain_inr
from payments.paytm import generate
from tests.faults.actors import Payer, Person, Shop, Watch, form_in
from tests.faults.plan import Operation
from tests.faults.simulated import ODD_OUTCOMES
from tests.faults.stack import Stack
from tests.forms import Form

METHODS = ("UPI", "CC", "DC", "NB", "PPI", "EMI")
PLAIN_OUTCOMES = ("failure", "cancel", "low_balance", "wrong_upi_id", "expired")
WRONG_KEY = "not-the-right-ke"

# Planted at Paytm for the next call of a merchant. Another amount in a signed status answer is
# left out: what Paytm signs is the truth, and its books would say something else.
SPOILT = (
    *("timeout_before", "timeout_after", "error_before", "error_after", "reset_before"),
    *("reset_after", "html", "truncated", "stalled", "redirect", "huge", "wrong_signature"),
    *("unsigned", "numbers", "other_order", "other_mid"),
)
SPOILT_REFUND = (
    *SPOILT,
    *("no_balance", "busy", "accepted_then_failed", "rejected_later", "waiting", "other_amount"),
)
SILENT_REFUND = ("timeout_after", "error_after", "reset_after", "html", "truncated", "stalled")


@dataclass
class World:
    """Everything that an act needs, shared by all threads."""

    stack: Stack
    watch: Watch
    shops: list[Shop]
    seen: Counter[str] = field(default_factory=Counter)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, fault: str) -> None:
        """A fault took effect."""
        with self._guard:
            self.seen[fault] += 1


def perform(world: World, operation: Operation) -> None:
    """Do an operation to its end. Raises requests.RequestException when it was cut short."""
    shop = world.shops[operation.tenant % len(world.shops)]
    ACTS[operation.kind](world, shop, operation.random)


def pay(world: World, shop: Shop, dice: random.Random) -> None:
    """A payer pays or fails to, comes back or does not, sends forms twice, looks again."""
    if dice.random() < 0.12:
        world.stack.paytm.plant("initiate", dice.choice(SPOILT), shop.mid)
    if dice.random() < 0.12:
        world.stack.paytm.plant("status", dice.choice(SPOILT), shop.mid)
    odd = dice.random() < 0.4
    button = dice.choice(sorted(ODD_OUTCOMES)) if odd else "success"
    if dice.random() < 0.12:
        button = dice.choice(PLAIN_OUTCOMES)
    _pay(world, shop, dice, button)


def _pay(world: World, shop: Shop, dice: random.Random, button: str) -> Form | None:
    """Take a link, pay by this button; the callback, if there is one."""
    payer = Payer(world.stack, world.watch, shop, dice)
    token = _a_link(shop, dice)
    page = _press_pay(payer, shop, token, dice)
    hop = form_in(page.text, "redirect") if page is not None else None
    callback = payer.decide(hop, button, dice.choice(METHODS)) if hop else None
    if callback is None:
        return None
    shop.callbacks.append(callback)
    for _ in range(dice.choice((0, 1, 1, 1, 1, 2))):
        _come_back(payer, callback)
    return callback


def _a_link(shop: Shop, dice: random.Random) -> str:
    """A link of any kind; of those that take few payments one of the first that are left."""
    kind = dice.choice(("fixed", "fixed", "open", "open", "some", "one"))
    left = shop.links[kind][:3] or shop.links["fixed"]
    return dice.choice(left)


def _press_pay(
    payer: Payer, shop: Shop, token: str, dice: random.Random
) -> requests.Response | None:
    """Send the pay form, now and then twice; None when the link takes no more."""
    form = payer.open(token)
    if form is None:
        _cross_off(shop, token)
        return None
    rupees = plain_inr(dice.randrange(1_00, 9_000_00))
    if dice.random() < 0.08:
        payer.press_pay(token, form, rupees)
    page = payer.press_pay(token, form, rupees)
    if page.status_code in (409, 410):
        _cross_off(shop, token)
        return None
    return page


def _cross_off(shop: Shop, token: str) -> None:
    """Nobody needs to try a full link again."""
    for kind in ("some", "one"):
        with contextlib.suppress(ValueError):  # another payer was quicker, or it is of no kind here
            shop.links[kind].remove(token)


def _come_back(payer: Payer, callback: Form) -> None:
    """Carry Paytm's callback to the product and look at the status page it leads to."""
    answer = payer.browser.post(_path(callback.action), callback.fields)
    if answer.status_code == 303:
        payer.browser.get(answer.headers["Location"])


def _path(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


def refund(world: World, shop: Shop, dice: random.Random) -> None:
    """Send a part or all of a payment back; the form now and then twice."""
    by = dice.choice(shop.people)
    path = _something_paid(world, shop, by, dice)
    if path is None:
        return
    form = _refund_form(by, path)
    if form is None:
        return
    if dice.random() < 0.5:
        names = SILENT_REFUND if dice.random() < 0.5 else SPOILT_REFUND
        world.stack.paytm.plant("refund", dice.choice(names), shop.mid)
    if dice.random() < 0.2:
        world.stack.paytm.plant("refund_status", dice.choice(SPOILT), shop.mid)
    fields = form.fields | {"amount": _some_of(form.fields["amount"], dice), "comment": "broken"}
    for _ in range(dice.choice((1, 1, 1, 2))):
        by.post(path, **fields)


def refund_at_once(world: World, shop: Shop, dice: random.Random) -> None:
    """Two people in two tabs each send refunds of one payment at the same moment, of which any two
    are more than there is."""
    path = _something_paid(world, shop, shop.people[0], dice)
    form = _refund_form(shop.people[0], path) if path else None
    if path is None or form is None:
        return
    fields = form.fields | {"amount": _most_of(form.fields["amount"])}
    for person in shop.people:
        person.get(path)  # signed in before its tabs are opened
    tabs = [person.tab() for person in shop.people for _ in range(2)]
    start = threading.Barrier(len(tabs))

    def send(number: int) -> None:
        start.wait(60)
        tabs[number].post(path, **fields | {"key": f"at-once-{dice.getrandbits(60):x}-{number}"})

    at_once([partial(send, number) for number in range(len(tabs))])


def at_once(acts: Sequence[Callable[[], None]]) -> None:
    """Do all acts in threads of their own; raises what one of them raises."""
    with ThreadPoolExecutor(len(acts)) as threads:
        for done in [threads.submit(act) for act in acts]:
            done.result()


def _something_paid(world: World, shop: Shop, by: Person, dice: random.Random) -> str | None:
    """The refund page of a payment that was paid; one is paid first where there is none."""
    paid = shop.listed(by, "paid") or shop.listed(by, "surplus")
    if not paid:
        _pay(world, shop, dice, "success")
        paid = shop.listed(by, "paid")
    return shop.path(f"payments/{dice.choice(paid)}/refunds/new") if paid else None


def _refund_form(by: Person, path: str) -> Form | None:
    """The form with what is left and a key; None when nothing is left, or nobody answers."""
    page = by.get(path)
    if "/accounts/reauthenticate/" in page.url:
        by.post(path)
        page = by.get(path)
    form = form_in(page.text, "refund")
    return form if form and parse_inr(form.fields["amount"]) > 0 else None


def _some_of(left: str, dice: random.Random) -> str:
    """A third to a half of what is left, or all of it."""
    paise = parse_inr(left)
    if dice.random() < 0.2 or paise < 5_00:
        return left
    return plain_inr(int(paise * dice.uniform(0.3, 0.5)))


def _most_of(left: str) -> str:
    """So much that it cannot be sent back twice."""
    paise = parse_inr(left)
    return plain_inr(paise * 6 // 10) if paise > 5_00 else left


def ask(world: World, shop: Shop, dice: random.Random) -> None:
    """Somebody on the team asks Paytm now, about any payment, again where it is final."""
    by = dice.choice(shop.people)
    listed = shop.listed(by, dice.choice(("", "paid", "pending", "unknown"))) or shop.listed(by)
    if listed:
        by.post(shop.path(f"payments/{dice.choice(listed)}/ask"))


def replay(world: World, shop: Shop, dice: random.Random) -> None:
    """Old callbacks and webhooks come again, out of order and several at once."""
    old = [*shop.callbacks]
    for callback in dice.sample(old, min(len(old), 3)):
        path = _path(callback.action)
        if dice.random() < 0.5:
            path = path.replace("/callback", "/webhook")
        payer = Payer(world.stack, world.watch, shop, dice).browser
        if payer.post(path, callback.fields).status_code < 500:
            world.saw("replayed")


def forge(world: World, shop: Shop, dice: random.Random) -> None:
    """A payer who has not paid sends callbacks that say so, and messages for other shops."""
    callback = _pay(world, shop, dice, dice.choice(("failure", "cancel", "pending")))
    if callback is None:
        return
    payer = Payer(world.stack, world.watch, shop, dice).browser
    stranger = dice.choice(world.shops)
    for fields in forgeries(callback.fields, stranger.mid, dice):
        answer = payer.post(_path(callback.action), fields)
        if 400 <= answer.status_code < 500:
            world.saw("forged")
        elif answer.status_code == 303:
            world.watch.errors.append(f"a forgery was taken: {fields}")


def forgeries(
    true: dict[str, str], other_mid: str, dice: random.Random
) -> list[list[tuple[str, str]]]:
    """Success that never was: without checksum, with the old one, with a stranger's key, with a
    field twice, with values moved between fields."""
    paid = true | {"STATUS": "TXN_SUCCESS", "RESPCODE": "01", "RESPMSG": "Txn Success"}
    paid.setdefault("TXNID", "20260101" + str(dice.randrange(10**20)))
    bare = {name: value for name, value in paid.items() if name != "CHECKSUMHASH"}
    moved = bare | {"RESPMSG": "x|TXN_SUCCESS", "CHECKSUMHASH": true.get("CHECKSUMHASH", "")}
    return [
        [*bare.items()],
        [*paid.items()],
        [*bare.items(), ("CHECKSUMHASH", generate(bare, WRONG_KEY))],
        [*true.items(), ("STATUS", "TXN_SUCCESS")],
        [*moved.items()],
        [*(bare | {"MID": other_mid, "CHECKSUMHASH": "A" * 108}).items()],
    ]


def look(world: World, shop: Shop, dice: random.Random) -> None:
    """Somebody walks through the dashboard, and tries the address of another shop's payment."""
    by = dice.choice(shop.people)
    shop.listed(by)
    for page in dice.sample(("", "refunds", "links", "reports", "reports.csv", "surplus"), 3):
        by.get(shop.path(page))
    if shop.payments:
        by.get(shop.path(f"payments/{dice.choice(shop.payments)}"))
    other = dice.choice(world.shops)
    if other is not shop and other.payments:
        path = shop.path(f"payments/{dice.choice(other.payments)}")
        if _enters(by, path):
            world.watch.foreign.append(f"{path} is another shop's payment")
    if other is not shop and _enters(by, other.path("payments")):
        world.watch.foreign.append(f"{by.email} entered {other.slug}")


def _enters(by: Person, path: str) -> bool:
    """Whether they get that page. Who could not sign in, for the database was killed, gets the
    sign-in page instead, with 200 too."""
    answer = by.get(path)
    return answer.status_code == 200 and answer.url.endswith(path)


def keep_surplus(world: World, shop: Shop, dice: random.Random) -> None:
    """Somebody keeps money that nobody asked for."""
    by = dice.choice(shop.people)
    listed = shop.listed(by, "surplus")
    if listed:
        by.get(shop.path("refunds"))
        by.post(shop.path(f"surplus/{dice.choice(listed)}/keep"))


def make_link(world: World, shop: Shop, dice: random.Random) -> None:
    """Somebody makes a link for one payment, and sends the form twice."""
    by, path = dice.choice(shop.people), shop.path("links/new")
    form = form_in(by.get(path).text, "link")
    if form is None:
        return
    wanted = {"description": f"Tea for {shop.canary}", "amount_is": "fixed", "payments": "one"}
    fields = form.fields | wanted | {"amount": plain_inr(dice.randrange(1_00, 5_000_00))}
    for _ in range(2):
        answer = by.post(path, **fields)
    page = by.get(answer.headers.get("Location", shop.path("links")))
    if token := re.search(r"/p/([a-zA-Z0-9_-]{20,40})", page.text):
        shop.links["one"].append(token[1])


ACTS: dict[str, Callable[[World, Shop, random.Random], None]] = {
    "pay": pay,
    "refund": refund,
    "refund_at_once": refund_at_once,
    "ask": ask,
    "replay": replay,
    "forge": forge,
    "look": look,
    "keep_surplus": keep_surplus,
    "make_link": make_link,
}
