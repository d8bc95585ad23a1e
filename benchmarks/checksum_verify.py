"""checksum_verify: a callback's checksum, held against Paytm's published library.

Only our own process works here, so that a round is its processor time. That it never raises
and compares in constant time is the tests' to show; a forgery and an empty one are tried here.
"""

import time
from collections.abc import Callable, Iterator

import paytmchecksum

from benchmarks.figures import Figure, Round, Wrong, held_against, say
from benchmarks.stage import Stage
from payments.paytm import generate, verify

GOAL = 1.0
ROUNDS = 7
EACH = 10_000

KEY = "kbzk1DSbJiV_O3p5"
FIELDS = {
    "BANKNAME": "HDFC Bank",
    "BANKTXNID": "777001456789",
    "CURRENCY": "INR",
    "GATEWAYNAME": "HDFC",
    "MID": "MERCHANT000000000001",
    "ORDERID": "pay_00000000000000000017",
    "PAYMENTMODE": "CC",
    "RESPCODE": "01",
    "RESPMSG": "Txn Success",
    "STATUS": "TXN_SUCCESS",
    "TXNAMOUNT": "500.00",
    "TXNDATE": "2026-11-26 11:52:07.0",
    "TXNID": "20261126111212800110168000000000017",
}
Verify = Callable[[dict[str, str], str, str], bool]


def measure(stage: Stage) -> Iterator[Figure]:
    _check()
    limits, ours = [], []
    for _ in range(ROUNDS):
        limits.append(_round(paytmchecksum.verifySignature, stage.size(EACH)))
        ours.append(_round(verify, stage.size(EACH)))
        say(f"checksum_verify theirs {limits[-1]}")
        say(f"checksum_verify ours   {ours[-1]}")
    yield held_against("checksum_verify", "checksums/s", GOAL, limits=limits, ours=ours)


def _round(function: Verify, count: int) -> Round:
    """Verify true checksums, each of its own salt. The library changes what it is given."""
    work = [(dict(FIELDS), generate(FIELDS, KEY)) for _ in range(count)]
    began = time.process_time()
    good = [function(fields, KEY, checksum) for fields, checksum in work]
    seconds = time.process_time() - began
    if not all(good):
        raise Wrong(f"checksum_verify: {function.__module__} refuses a true checksum")
    return Round(count, seconds, {"app": seconds})


def _check() -> None:
    checksum = generate(FIELDS, KEY)
    if not paytmchecksum.verifySignature(dict(FIELDS), KEY, checksum):
        raise Wrong("checksum_verify: Paytm's library refuses our checksum")
    tampered = FIELDS | {"TXNAMOUNT": "1.00"}
    for fields, odd in [(tampered, checksum), (FIELDS, ""), (FIELDS, "é" * 108)]:
        if verify(fields, KEY, odd):
            raise Wrong("checksum_verify: a forgery was taken")
