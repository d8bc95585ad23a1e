"""`manage.py paytm_contract`, run as an operator does, against a real simulator."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

import pytest
from django.conf import settings

from tests.conftest import MIDS
from tests.forms import Form, read_form
from tests.terminal import talk
from tests.wire import Simulator

pytestmark = pytest.mark.slow

MID, KEY = MIDS["acme"]
WRONG_KEY = "acme0000merchanT"
NEEDS_PAYMENT = {"status_fields", "status_currency", "txn_id", "refund", "refund_same_ref_id",
                 "refund_in_progress", "refund_status"}  # fmt: skip
ELSEWHERE = {"payment_modes", "webhook_form", "webhook_retries", "settlement_rows"}


@pytest.fixture
def paytm(simulator: Simulator) -> Iterator[Simulator]:
    simulator.control("reset")
    yield simulator
    simulator.control("reset")


def command(*words: str, mid: str = MID) -> list[str]:
    return [
        *(sys.executable, "manage.py", "paytm_contract"),
        *("--mid", mid, "--host", "simulator", *words),
    ]


def environment(paytm: Simulator, key: str = KEY) -> dict[str, str]:
    """No database is in reach: the command needs none."""
    return os.environ | {
        "COLUMNS": "120",  # the table is as wide as its terminal
        "SIMULATOR_URL": paytm.url,
        "PAYTM_KEY": key,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    }


def run(
    paytm: Simulator, *words: str, mid: str = MID, key: str = KEY
) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        command(*words, mid=mid),
        cwd=settings.ROOT,
        env=environment(paytm, key),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert key not in ended.stdout + ended.stderr
    return ended


def walked(paytm: Simulator, *words: str) -> dict[str, dict[str, str]]:
    """The findings by name."""
    ended = run(paytm, "--no-input", "--json", *words)
    assert ended.returncode == 0, ended.stderr
    return {item["name"]: item for item in json.loads(ended.stdout)["items"]}


def verdicts(items: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {name: item["verdict"] for name, item in items.items()}


def codes(items: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {name: item["code"] for name, item in items.items()}


def test_without_a_payer_everything_else_is_asked(paytm: Simulator) -> None:
    items = walked(paytm)
    unasked = {name for name, verdict in verdicts(items).items() if verdict == "not asked"}
    assert unasked == NEEDS_PAYMENT | ELSEWHERE
    assert {verdict for name, verdict in verdicts(items).items() if name not in unasked} == {
        "holds"
    }
    assert {name: code for name, code in codes(items).items() if code} == {
        "path_theia": "0000",
        "path_order": "0000",
        "signed_success": "0000",
        "repeat_same": "0002",
        "repeat_changed": "2023",
        "status_unattempted": "331",
        "status_never_created": "331",
        "wrong_key_initiate": "2005",
        "wrong_key_status": "330",
        "unknown_mid_initiate": "335",
        "unknown_mid_status": "335",
        "code_334": "334",
        "refund_unpaid": "607",
        "refund_status_unknown": "631",
    }
    assert items["signed_failure"]["message"] == "2023 signed, 2005 not signed"
    assert items["webhook_form"]["message"] == "only a webhook shows it"


def test_the_table_says_it_in_words(paytm: Simulator) -> None:
    ended = run(paytm, "--no-input")
    assert ended.returncode == 0
    assert re.search(r"^Item +Documents say +Seen +Verdict$", ended.stdout, re.MULTILINE)
    assert re.search(
        r"^The same order with another +2023 +2023 F Repeat Request Inconsistent +holds$",
        ended.stdout,
        re.MULTILINE,
    )
    assert ended.stdout.endswith("holds: 15, not asked: 11\n")
    for order in paytm.books(MID)["orders"]:
        assert order["order_id"].startswith("CONTRACT_")


def test_an_order_paid_by_hand_shows_the_rest(paytm: Simulator) -> None:
    with asking(paytm) as process:
        _, form = printed_page(process)
        paytm.decide(form, "success", method="UPI")
        told, _ = process.communicate("\n", timeout=120)
    assert process.returncode == 0
    items = {item["name"]: item for item in json.loads(told)["items"]}
    paid = {name: items[name] for name in NEEDS_PAYMENT}
    assert set(verdicts(paid).values()) == {"holds"}
    assert codes(paid) == {
        "status_fields": "01",
        "status_currency": "01",
        "txn_id": "01",
        "refund": "601",
        "refund_same_ref_id": "617",
        "refund_in_progress": "626",
        "refund_status": "601",
    }
    assert "missing: none; besides: none" in items["status_fields"]["message"]
    assert "not stated" in items["status_currency"]["message"]
    assert refunds(paytm) == [100]


def refunds(paytm: Simulator) -> list[int]:
    """The paise of every refund that the simulator took."""
    orders = paytm.books(MID)["orders"]
    return [refund["amount_paise"] for order in orders for refund in order["refunds"]]


def asking(paytm: Simulator) -> subprocess.Popen[str]:
    """The command, waiting for somebody to pay."""
    return subprocess.Popen(
        command("--json"),
        cwd=settings.ROOT,
        env=environment(paytm),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed_page(process: subprocess.Popen[str]) -> tuple[str, Form]:
    """The order, and the form of the page whose address was printed."""
    assert process.stderr
    order_id = ""
    for line in process.stderr:
        if line.strip().startswith("order "):
            order_id = line.split()[1]
        if line.strip().startswith("data:text/html"):
            return order_id, read_form(unquote(line.strip().partition(",")[2]), "redirect")
    raise AssertionError("no page was printed")


def test_what_is_paid_later_is_gone_on_with(paytm: Simulator) -> None:
    with asking(paytm) as process:
        order_id, form = printed_page(process)
        told, _ = process.communicate(timeout=120)  # end of input: nobody has paid yet
    unpaid = {item["name"]: item for item in json.loads(told)["items"]}
    assert unpaid["refund"]["verdict"] == "not asked"
    assert f"order {order_id} is not paid: 331" in unpaid["refund"]["message"]
    paytm.decide(form, "success", method="CC")
    items = walked(paytm, "--order-id", order_id)
    assert {items[name]["verdict"] for name in NEEDS_PAYMENT} == {"holds"}
    assert items["status_fields"]["message"].endswith("besides: bankName")


def test_what_differs_is_said(paytm: Simulator) -> None:
    paytm.plant("initiate", "unsigned", mid=MID)
    paytm.plant("status", "html", mid=MID)
    items = walked(paytm)
    assert items["signed_success"]["verdict"] == "differs"
    assert items["signed_success"]["message"].endswith("not signed")
    assert items["status_unattempted"]["verdict"] == "not asked"
    assert items["status_unattempted"]["message"].startswith("no answer: ")
    assert items["status_never_created"]["verdict"] == "holds"


def test_without_a_refund_nothing_is_said_of_its_repeat(paytm: Simulator) -> None:
    with asking(paytm) as process:
        order_id, form = printed_page(process)
        paytm.decide(form, "success")
        paytm.plant("refund", "no_balance", mid=MID, order_id=order_id)
        told, _ = process.communicate("\n", timeout=120)
    items = {item["name"]: item for item in json.loads(told)["items"]}
    assert (items["refund"]["code"], items["refund"]["verdict"]) == ("620", "differs")
    for name in ("refund_same_ref_id", "refund_in_progress", "refund_status"):
        assert items[name]["verdict"] == "not asked"
        assert items[name]["message"].startswith("the first refund was not taken: 620")
    assert refunds(paytm) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": WRONG_KEY}, "2005 F Checksum provided is invalid. The key is not the one"),
        ({"mid": "NOBODY0001"}, "335 F Mid is invalid. No host of Paytm's knows this MID"),
        ({"key": "short"}, "a merchant key is 16 bytes long"),
        ({"mid": "a b"}, "a MID is made of letters and digits"),
    ],
)
def test_keys_that_are_refused_are_said_to_be(
    paytm: Simulator, changes: dict[str, str], words: str
) -> None:
    ended = run(paytm, "--no-input", **changes)
    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_wrong_website_is_guessed(paytm: Simulator) -> None:
    paytm.control("merchants", mid="STRICT0001", key=KEY, website="OTHERSITE")
    ended = run(paytm, "--no-input", mid="STRICT0001")
    assert ended.returncode == 1
    assert "MID and key are right all the same; perhaps the website is not" in ended.stderr
    assert run(paytm, "--no-input", "--website", "OTHERSITE", mid="STRICT0001").returncode == 0


def test_a_host_that_is_not_there_is_said(paytm: Simulator) -> None:
    nobody = Simulator("http://127.0.0.1:1", paytm.process)
    ended = run(nobody, "--no-input")
    assert ended.returncode == 1
    assert "http://127.0.0.1:1 cannot be reached" in ended.stderr


def test_the_simulator_must_be_known(paytm: Simulator) -> None:
    ended = run(Simulator("", paytm.process), "--no-input")
    assert ended.returncode == 1
    assert "SIMULATOR_URL is not set" in ended.stderr


def test_an_odd_order_id_is_refused(paytm: Simulator) -> None:
    ended = run(paytm, "--no-input", "--order-id", "a|b")
    assert ended.returncode == 1
    assert "--order-id is 1 to 50 of" in ended.stderr


def test_the_key_can_be_typed_and_is_not_shown(paytm: Simulator) -> None:
    code, told, shown = talk(
        command()[1:], environment(paytm, key=""), [("Merchant key", KEY), ("Press Enter", "")]
    )
    assert code == 0
    assert told.endswith("holds: 15, not asked: 11\n")
    assert KEY not in told + shown
