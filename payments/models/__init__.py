from payments.models.event import Delivery, DeliveryAttempt, Event
from payments.models.export import ExportChunk, ExportFile
from payments.models.finding import Listed, PaymentTag, SavedView, SearchText
from payments.models.inbox import Message, TimelineEntry
from payments.models.ledger import DailyFigure, Transfer
from payments.models.link import Batch, Link, LinkViews
from payments.models.payment import Payment
from payments.models.receipt import Receipt
from payments.models.refund import Refund
from payments.models.report import AttemptFigure, ReportSchedule
from payments.models.settlement import (
    Discrepancy,
    DiscrepancyNote,
    Settlement,
    SettlementImport,
    SettlementLine,
)

__all__ = [
    "AttemptFigure",
    "Batch",
    "DailyFigure",
    "Delivery",
    "DeliveryAttempt",
    "Discrepancy",
    "DiscrepancyNote",
    "Event",
    "ExportChunk",
    "ExportFile",
    "Link",
    "LinkViews",
    "Listed",
    "Message",
    "Payment",
    "PaymentTag",
    "Receipt",
    "Refund",
    "ReportSchedule",
    "SavedView",
    "SearchText",
    "Settlement",
    "SettlementImport",
    "SettlementLine",
    "TimelineEntry",
    "Transfer",
]
