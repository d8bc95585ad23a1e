"""Rules about money that the database itself enforces.

The steps are a copy of payments.states as it was: a migration must not change with the code.
A test compares the two.
"""

from django.db import migrations

from payments.migrations_sql import EVERY, guard, kept

PAYMENT_STEPS = [
    "created>open",
    "created>unknown",
    "created>expired",
    "created>pending",
    "created>failed",
    "created>paid",
    "created>surplus",
    "open>unknown",
    "open>expired",
    "open>pending",
    "open>failed",
    "open>paid",
    "open>surplus",
    "unknown>expired",
    "unknown>pending",
    "unknown>failed",
    "unknown>paid",
    "unknown>surplus",
    "expired>pending",
    "expired>failed",
    "expired>paid",
    "expired>surplus",
    "pending>failed",
    "pending>paid",
    "pending>surplus",
    "failed>paid",
    "failed>surplus",
]
REFUND_STEPS = [
    "requested>sent",
    "requested>accepted",
    "requested>done",
    "requested>failed",
    "sent>accepted",
    "sent>done",
    "sent>failed",
    "accepted>done",
    "accepted>failed",
]

KEPT = (
    "payments_transfer",
    "payments_message",
    "payments_timelineentry",
    "payments_payment",
    "payments_refund",
    "merchants_auditevent",
)


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("tenants", "0002_functions_and_unlogged_tables")]

    operations = [
        *[kept(table) for table in KEPT],
        guard("transfer_append", "payments_transfer", EVERY, "append_only", "folded"),
        guard("message_append", "payments_message", EVERY, "append_only"),
        guard("timeline_append", "payments_timelineentry", EVERY, "append_only"),
        guard("payment_step", "payments_payment", "UPDATE", "legal_step", *PAYMENT_STEPS),
        guard("refund_step", "payments_refund", "UPDATE", "legal_step", *REFUND_STEPS),
        guard("payment_kept", "payments_payment", "DELETE", "append_only"),
        guard("refund_kept", "payments_refund", "DELETE", "append_only"),
        guard("link_fixed", "payments_link", "UPDATE", "fixed_columns", "id", "live", "token"),
        guard(
            "payment_fixed",
            "payments_payment",
            "UPDATE",
            "fixed_columns",
            *[
                "id",
                "live",
                "token",
                "order_id",
                "link_id",
                "account_id",
                "amount_paise",
                "created_at",
            ],
        ),
        guard(
            "refund_fixed",
            "payments_refund",
            "UPDATE",
            "fixed_columns",
            *["id", "live", "ref_id", "payment_id", "amount_paise", "created_at"],
        ),
        guard("audit_append", "merchants_auditevent", EVERY, "append_only"),
        guard(
            "account_fixed",
            "merchants_paytmaccount",
            "UPDATE",
            "fixed_columns",
            *["id", "live", "environment", "mid", "sealed_key"],
        ),
    ]
