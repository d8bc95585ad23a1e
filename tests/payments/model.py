"""What money does, in plain Python: the model that the product is held against.

It knows no database, no lock and no order of messages; only what a merchant would expect.
"""

from dataclasses import dataclass, field

RUPEE = 100
LEFT_OPEN = ("open", "unknown", "expired", "pending")
WAITS = ("held", "requested", "sent", "accepted")
ON_ITS_WAY = ("sent", "accepted")


@dataclass
class ModelRefund:
    paise: int
    state: str = "requested"
    is_retry: bool = False  # of one that Paytm refused for lack of balance
    is_alone: bool = False  # no second person agreed


@dataclass
class ModelOrder:
    """One attempt: what was asked, and what has become of it."""

    asked: int
    state: str = "open"
    received: int = 0
    kept: int | None = None  # paise of a surplus that became a sale
    refunds: list[ModelRefund] = field(default_factory=list)

    def sum_of(self, *states: str) -> int:
        return sum(refund.paise for refund in self.refunds if refund.state in states)

    @property
    def left(self) -> int:
        return self.received - self.sum_of("done", *WAITS)

    @property
    def under_way(self) -> ModelRefund | None:
        return next((refund for refund in self.refunds if refund.state in WAITS), None)

    def hears(self, claim: str, paise: int, given_back: int, place_left: bool) -> None:
        """Paytm's status says so."""
        if claim == "success":
            self._succeeds(paise, given_back, place_left)
        elif self.state in ("paid", "surplus", "failed"):
            return
        elif claim == "failure":
            self.state = "failed"
        elif claim == "pending":
            self.state = "pending"
        elif claim == "unknown" and self.state == "open":
            self.state = "unknown"

    def _succeeds(self, paise: int, given_back: int, place_left: bool) -> None:
        if self.state not in ("paid", "surplus"):
            good = paise == self.asked and place_left
            self.state, self.received = ("paid" if good else "surplus"), paise
        extra = given_back - self.sum_of("done")
        if extra <= 0 or self.sum_of(*ON_ITS_WAY):
            return
        for refund in self.refunds:  # somebody was quicker
            if refund.is_retry and refund.state == "requested":
                refund.state = "failed"
            elif refund.state == "held":
                refund.state = "withdrawn"
        if extra <= self.left:
            self.refunds.append(ModelRefund(extra, "done"))

    def may_refund(self, paise: int) -> bool:
        rest = self.left - paise
        whole = paise == self.received
        return (
            self.under_way is None
            and 0 < paise <= self.left
            and (paise >= RUPEE or whole)
            and not 0 < rest < RUPEE
        )

    def needs_another(self, paise: int, limit: int | None) -> bool:
        """Whether a refund waits for a second person: what one gave back alone counts together."""
        alone = sum(r.paise for r in self.refunds if r.state == "done" and r.is_alone)
        return limit is not None and alone + paise > limit

    def may_keep(self) -> bool:
        waits = self.state == "surplus" and self.kept is None
        return waits and self.left > 0 and self.under_way is None


@dataclass
class ModelLink:
    """A link that takes `places` payments, or any number."""

    places: int | None
    orders: list[ModelOrder] = field(default_factory=list)

    def place_left(self) -> bool:
        paid = sum(order.state == "paid" for order in self.orders)
        return self.places is None or paid < self.places


def sales(order: ModelOrder) -> int:
    """Paise of an order that ever counted as the merchant's sale."""
    return order.received if order.state == "paid" else order.kept or 0
