from payments.models.event import Delivery, DeliveryAttempt, Event
from payments.models.inbox import Message, TimelineEntry
from payments.models.ledger import DailyFigure, Transfer
from payments.models.link import Link
from payments.models.payment import Payment
from payments.models.refund import Refund

__all__ = [
    "DailyFigure",
    "Delivery",
    "DeliveryAttempt",
    "Event",
    "Link",
    "Message",
    "Payment",
    "Refund",
    "TimelineEntry",
    "Transfer",
]
