from payments.models.event import Delivery, DeliveryAttempt, Event
from payments.models.inbox import Message, TimelineEntry
from payments.models.ledger import DailyFigure, Transfer
from payments.models.link import Link
from payments.models.payment import Payment
from payments.models.refund import Refund
from payments.models.settlement import (
    Discrepancy,
    DiscrepancyNote,
    Settlement,
    SettlementImport,
    SettlementLine,
)

__all__ = [
    "DailyFigure",
    "Delivery",
    "DeliveryAttempt",
    "Discrepancy",
    "DiscrepancyNote",
    "Event",
    "Link",
    "Message",
    "Payment",
    "Refund",
    "Settlement",
    "SettlementImport",
    "SettlementLine",
    "TimelineEntry",
    "Transfer",
]
