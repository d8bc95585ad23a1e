"""Spoilt answers: what a `scenarios.FAULTS` name does to an answer or to its delivery."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase

from simulator.payments import WRONG_KEY
from simulator.protocol import AMOUNT, Answer
from simulator.records import Rule
from simulator.scenarios import FAULTS

SECONDS = 30.0
HUGE = 10 * 1024 * 1024


class BrokenConnection(Exception):
    """Raised inside an answer to make the server drop the connection."""


def carry_out(rule: Rule, act: Callable[[], Answer]) -> HttpResponseBase:
    """Do what the rule says instead of simply answering; `act` runs if it is to have effect."""
    if FAULTS[rule.scenario].effect:
        answer = act()
        if rule.scenario in EDITS:
            return EDITS[rule.scenario](answer).render()
        return DELIVERIES[rule.scenario](answer.render(), rule.seconds or SECONDS)
    return DELIVERIES[rule.scenario](HttpResponse(), rule.seconds or SECONDS)


def _silence(response: HttpResponse, seconds: float) -> HttpResponseBase:
    time.sleep(seconds)
    return HttpResponse(status=504)


def _error(response: HttpResponse, seconds: float) -> HttpResponseBase:
    return HttpResponse("Internal Server Error", status=500, content_type="text/plain")


def _reset(response: HttpResponse, seconds: float) -> HttpResponseBase:
    return _stream(response, _first_half_then_break(response.content))


def _html(response: HttpResponse, seconds: float) -> HttpResponseBase:
    return HttpResponse("<html><body><h1>Please try again later</h1></body></html>")


def _truncated(response: HttpResponse, seconds: float) -> HttpResponseBase:
    response.content = response.content[: len(response.content) // 2]
    return response


def _stalled(response: HttpResponse, seconds: float) -> HttpResponseBase:
    return _stream(response, _first_half_then_silence(response.content, seconds))


def _redirect(response: HttpResponse, seconds: float) -> HttpResponseBase:
    return HttpResponseRedirect("/elsewhere")


def _huge(response: HttpResponse, seconds: float) -> HttpResponseBase:
    response.content = b" " * HUGE + response.content
    return response


def _stream(response: HttpResponse, chunks: Iterator[bytes]) -> HttpResponseBase:
    streaming = StreamingHttpResponse(chunks, content_type=response["Content-Type"])
    streaming["Content-Length"] = str(max(len(response.content), 100))
    return streaming


def _first_half_then_silence(content: bytes, seconds: float) -> Iterator[bytes]:
    yield content[: len(content) // 2]
    time.sleep(seconds)


def _first_half_then_break(content: bytes) -> Iterator[bytes]:
    yield content[: len(content) // 2]
    raise BrokenConnection


def _without_signature(answer: Answer) -> Answer:
    return replace(answer, key=None)


def _with_wrong_signature(answer: Answer) -> Answer:
    return replace(answer, key=WRONG_KEY)


def _with_numbers(answer: Answer) -> Answer:
    body = {
        name: float(value) if isinstance(value, str) and AMOUNT.fullmatch(value) else value
        for name, value in answer.body.items()
    }
    return replace(answer, body=body)


def _changed(**members: str) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, body=answer.body | members)


DELIVERIES: dict[str, Callable[[HttpResponse, float], HttpResponseBase]] = {
    "timeout_before": _silence,
    "timeout_after": _silence,
    "error_before": _error,
    "error_after": _error,
    "reset_before": _reset,
    "reset_after": _reset,
    "html": _html,
    "truncated": _truncated,
    "stalled": _stalled,
    "redirect": _redirect,
    "huge": _huge,
}
EDITS: dict[str, Callable[[Answer], Answer]] = {
    "unsigned": _without_signature,
    "wrong_signature": _with_wrong_signature,
    "numbers": _with_numbers,
    "other_order": _changed(orderId="ANOTHER-ORDER"),
    "other_mid": _changed(mid="ANOTHERMID0000000001"),
    "other_amount": _changed(txnAmount="999999.99", refundAmount="999999.99"),
}
