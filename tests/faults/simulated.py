"""Paytm as the campaign sees it: the simulator's control interface, asked directly."""

from typing import Any

import requests

ANSWER_WITHIN = 60
CONFLICT = 409
# What Paytm does to an order that is no plain outcome, by the button of its page.
ODD_OUTCOMES = frozenset(
    {"pending", "pending_success", "pending_failure", "failure_success", "callback_lost"}
    | {"callback_late", "callback_doubled", "callback_forged", "callback_unsigned", "silent"}
    | {"amount_differs"}
)


class Paytm:
    """A running simulator. Every call raises requests.RequestException when it is down."""

    def __init__(self, port: int, token: str) -> None:
        self.url = f"http://localhost:{port}"
        self._headers = {"Authorization": f"Bearer {token}"}

    def plant(self, endpoint: str, scenario: str, mid: str) -> None:
        """Spoil the next call of this merchant at an endpoint; what is slow takes 3 seconds.

        A refusal holds for two calls: when the network doubles a refund's request, Paytm does not
        refuse the one and take the other, which no client could know.
        """
        times = 2 if scenario == "no_balance" else 1
        rule = {"endpoint": endpoint, "scenario": scenario, "mid": mid, "seconds": 3}
        self._call("POST", "scenarios", rule | {"times": times})

    def taken(self) -> int:
        """How many planted scenarios took effect."""
        return sum(rule["taken"] for rule in self._call("GET", "scenarios")["planted"])

    def forget_scenarios(self) -> None:
        self._call("DELETE", "scenarios")

    def clock(self) -> float:
        """How many seconds its clock is ahead of real time."""
        return float(self._call("GET", "clock")["offset_seconds"])

    def books(self) -> dict[str, Any]:
        """Every order of every merchant with its refunds, in paise."""
        return self._call("GET", "books")

    def finish_refunds(self) -> None:
        """Decide what would stay pending for ever."""
        for order in self.books()["orders"]:
            for refund in order["refunds"]:
                if refund["state"] == "PENDING":
                    self._finish(order["mid"], refund["ref_id"])

    def _finish(self, mid: str, ref_id: str) -> None:
        try:
            self._call("POST", f"refunds/{mid}/{ref_id}/finish", {"outcome": "success"})
        except requests.HTTPError as error:
            if error.response.status_code != CONFLICT:  # its own time has come meanwhile
                raise

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = requests.request(
            method,
            f"{self.url}/_control/{path}",
            json=body,
            headers=self._headers,
            timeout=ANSWER_WITHIN,
        )
        answer.raise_for_status()
        said: dict[str, Any] = answer.json()
        return said
