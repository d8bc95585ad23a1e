"""Invented business: months of a busy merchant in minutes, for demos and benchmarks alone.

Everything is skewed as true business is: by weekday and hour, a few links that most payers use,
customers who come again, UPI before all else. The books agree to the paisa, because what is booked
is read off the payments that were invented; `payments.proving` finds nothing in them.

SQL works on the whole at once. What is not worth its room is left out: a timeline, but for the
newest payments, and Paytm's raw messages.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final

from django.db import connection, transaction

from merchants.models import PaytmAccount
from payments import folding, searching
from payments.models import Payment
from tenants.current import current_tenant, zone

DAYS: Final = 365  # a financial year's border is always among them
BUSY_DAYS: Final = 90  # the last ones, with four payments of five: it was a small shop before
# What part of a week's payments comes on each day from Monday, and of a day's in each hour.
WEEK: Final = (0.9, 0.92, 0.97, 1.0, 1.12, 1.3, 1.18)
HOURS: Final = (
    *(2, 1, 1, 1, 1, 2, 6, 14, 26, 40, 55, 62),
    *(60, 52, 48, 50, 56, 66, 78, 84, 72, 46, 20, 8),
)
MANY: Final = 200_000  # payments from which it is quicker to make the indexes afterwards
LOADED: Final = (
    *("payments_payment", "payments_transfer", "payments_refund", "payments_receipt"),
    *("payments_settlementline", "payments_searchtext"),
)
READ: Final = (*LOADED, "payments_settlement", "payments_link", "payments_dailyfigure")

FIRST_NAMES: Final = """
    Aarav Aditi Aditya Akash Amit Ananya Anil Anita Anjali Arjun Aryan Asha Bhavna Deepa Deepak
    Divya Farah Gaurav Gita Harish Isha Ishaan Jyoti Karan Kavita Kiran Lakshmi Lata Madhav Manish
    Meena Meera Mohan Mohammed Naveen Neha Nikhil Nisha Pooja Pradeep Priya Rahul Rajesh Rakesh Ravi
    Rekha Ritu Rohan Sameer Sandeep Sanjay Sarita Shreya Sneha Sunil Sunita Suresh Swati Tanvi Uma
    Vijay Vikram Vivek Zoya
""".split()  # noqa: SIM905
LAST_NAMES: Final = """
    Agarwal Ahmed Bansal Banerjee Bhat Chatterjee Chauhan Chopra Das Desai Deshmukh D'Souza
    Fernandes Gandhi Ghosh Gill Goel Gowda Gupta Hegde Iyer Jain Jadhav Joshi Kapoor Kaur Khan
    Kulkarni Kumar Mehta Menon Mishra Mukherjee Nair Naidu Pandey Patel Patil Pillai Prasad Rao
    Reddy Roy Saxena Sen Shah Sharma Shetty Shukla Singh Sinha Srivastava Subramanian Tiwari Trivedi
    Varma Verma Yadav Dutta Bose Malhotra Bhatt Chowdhury Kamath
""".split()  # noqa: SIM905
GOODS: Final = """
    Masala chai | Darjeeling first flush | Assam breakfast | Nilgiri sampler | Green tea |
    Cardamom chai | Ginger chai | Rose oolong | Kashmiri kahwa | Lemon tea | Tea tasting | Clay
    cups | Gift box | Brass kettle | Strainer | Office tea | Wedding order | Monthly box |
    Festival hamper | Honey, 500 g
""".split("|")  # noqa: SIM905
MAILS: Final = (
    *("gmail.com", "gmail.com", "gmail.com"),
    *("yahoo.co.in", "outlook.com", "rediffmail.com"),
)
BANKS: Final = (
    *("HDFC Bank", "State Bank of India", "ICICI Bank", "Axis Bank", "Kotak Mahindra Bank"),
    *("Punjab National Bank", "Bank of Baroda", "Canara Bank"),
)


class NotEmpty(Exception):
    """The merchant has payments of its own, which nothing invented may stand beside."""


@dataclass(frozen=True)
class Hour:
    """An hour in which so many payments begin; `first` of them were before it."""

    start: datetime
    first: int
    count: int


def invent(payments: int, until: datetime, days: int = DAYS) -> None:
    """Give the test world of the tenant we are in so many payments in the days up to `until`.

    Needs an account in use and a role that owns the tables. One transaction: all or nothing.
    Raises NotEmpty. Takes about a minute for a million.
    """
    account = PaytmAccount.objects.get(live=False, state=PaytmAccount.State.ACTIVE)
    if Payment.objects.exists():
        raise NotEmpty
    told = _facts(account, until) | {"links": _links(payments), "people": max(8, payments // 6)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '512MB'")
        with _bare(cursor, LOADED if payments >= MANY else ()):
            cursor.execute("SELECT setseed(0.42)")
            _hours(cursor, _rhythm(payments, until, days))
            for statement in STATEMENTS:
                cursor.execute(statement, told)
            searching.fill()
    folding.fold()
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(READ)}")


def _links(payments: int) -> int:
    return min(2_000, max(12, payments // 500))


def _facts(account: PaytmAccount, until: datetime) -> dict[str, Any]:
    return {
        "account": account.pk,
        "mid": account.mid,
        "key": current_tenant().key,
        "zone": str(zone()),
        "until": until,
        "today": until.astimezone(zone()).date(),
        "first_names": FIRST_NAMES,
        "last_names": LAST_NAMES,
        "goods": [" ".join(good.split()) for good in GOODS],
        "mails": [*MAILS],
        "banks": [*BANKS],
    }


# --- When


def _rhythm(payments: int, until: datetime, days: int) -> list[Hour]:
    """How many payments begin in each hour: exactly so many in all."""
    weights = [*_weights(until, days)]
    whole, passed, given = math.fsum(weight for _, weight in weights), 0.0, 0
    hours = []
    for start, weight in weights:
        passed += weight
        upto = round(payments * passed / whole)
        if upto > given:
            hours.append(Hour(start, given, upto - given))
        given = upto
    return hours


def _weights(until: datetime, days: int) -> Iterator[tuple[datetime, float]]:
    """The hours before `until`, oldest first."""
    chance, here = Random(42), zone()  # noqa: S311  (the same luck each time)
    last = until.astimezone(here).date()
    for back in range(days, -1, -1):
        day = last - timedelta(days=back)
        luck = chance.uniform(0.85, 1.15) * _feast(day) * (1 if back < BUSY_DAYS else 0.1)
        midnight = datetime.combine(day, time(), here)
        for hour, weight in enumerate(HOURS):
            start = midnight + timedelta(hours=hour)
            if start + timedelta(hours=1) <= until:
                yield start, weight * WEEK[day.weekday()] * luck


def _feast(day: date) -> float:
    """The weeks before Diwali, more or less: the best of the year."""
    return 1.6 if (10, 15) <= (day.month, day.day) <= (11, 10) else 1.0


def _hours(cursor: Any, hours: Sequence[Hour]) -> None:
    cursor.execute(
        "CREATE TEMP TABLE busy_hour ON COMMIT DROP AS SELECT *"
        " FROM unnest(%s::timestamptz[], %s::bigint[], %s::bigint[]) AS h (start, first, count)",
        [[each.start for each in hours], [each.first for each in hours],
         [each.count for each in hours]],
    )  # fmt: skip


# --- What. `random()` is a number of its own wherever a subquery names one, once for each row.

LINKS = """
    CREATE TEMP TABLE busy_link ON COMMIT DROP AS
    SELECT number, gen_random_uuid() AS id,
        (%(goods)s::text[])[1 + number %% 20]
            || CASE WHEN number < 20 THEN '' ELSE ' no. ' || number / 20 + 1 END AS description,
        CASE WHEN number %% 5 < 3
            THEN (50 + 10 * floor(exp(random() * 5.5)))::bigint * 100 END AS paise
    FROM generate_series(0, %(links)s - 1) AS number;
    INSERT INTO payments_link (id, live, token, description, amount_paise, min_paise, max_paise,
        state, surplus_policy, return_url, created_by_name, created_at, suggestions, questions,
        ask_name, ask_email, ask_phone, methods, reference, notes, thanks, closed_words)
    SELECT id, false, %(key)s || left(translate(id::text, '-', ''), 22), description, paise, 100,
        100000000, 'active', 'ask', '', '', (SELECT min(start) FROM busy_hour), '[]',
        CASE WHEN number = 1 THEN '[{"label": "Flat", "kind": "text", "required": false,
            "choices": []}]'::jsonb ELSE '[]' END,
        'required', 'optional', 'optional', '[]', 'SKU-' || lpad(number::text, 4, '0'), '', '', ''
    FROM busy_link;
    ANALYZE busy_link
"""

# Who they are follows from `who`, how they fare from `fate`: 0 to 1, best first.
DRAWS = """
    SELECT h.first + k - 1 AS n, h.start + (k - random()) / h.count * interval '1 hour' AS began,
        floor(%(links)s * power(random(), 4))::bigint AS link,
        floor(%(people)s * power(random(), 1.5))::bigint AS who,
        random() AS way, random() AS fate, random() AS size, random() AS more, random() AS told,
        random() AS back, random() AS after, gen_random_uuid() AS id
    FROM busy_hour h CROSS JOIN LATERAL generate_series(1, h.count) AS k
"""

COLUMNS: Final = """id, live, token, order_id, link_id, account_id, description,
        amount_paise, state, payer_name, payer_email, payer_phone, answers, language, paytm_token,
        paytm_token_until, paytm_txn_id, bank_txn_id, method, gateway, bank, result_code,
        result_message, received_paise, paid_at, surplus, accepted_at, accepted_by_name,
        refunded_paise, reserved_paise, created_at, decided_at, settled_on"""
# With the group that counts each by now, see payments.attempts.
PAYMENTS = f"""
    INSERT INTO payments_payment ({COLUMNS}, counted_day, counted_as)
    SELECT p.*, (created_at AT TIME ZONE %(zone)s)::date,
        state || '/' || method || '/' || result_code
    FROM (SELECT id, false, %(key)s || left(hex, 22),
        'pay_' || translate(right(hex, 20), '01', 'xy'),
        link_id, %(account)s, description, paise, state,
        first_name || ' ' || last_name,
        CASE WHEN told < 0.6 THEN lower(first_name) || '.' || translate(lower(last_name), '''', '')
            || who %% 97 || '@' || (%(mails)s::text[])[1 + who %% 6] ELSE '' END,
        CASE WHEN told > 0.3 THEN '+91 ' || 70000 + who %% 29989 || ' '
            || lpad((who * 7919 %% 100000)::text, 5, '0') ELSE '' END,
        CASE WHEN link = 1 THEN jsonb_build_array(jsonb_build_array('Flat',
            chr(65 + (who %% 6)::int) || '-' || who %% 40 + 1)) ELSE '[]' END,
        CASE WHEN who %% 4 = 0 THEN 'hi' ELSE 'en' END,
        '', began + interval '15 minutes',
        CASE WHEN state = 'expired' THEN '' ELSE to_char(began, 'YYYYMMDDHH24MI')
            || lpad(n::text, 12, '0') END,
        CASE WHEN state IN ('paid', 'surplus')
            THEN lpad((n * 48271 %% 999999999989)::text, 12, '0') ELSE '' END,
        CASE WHEN state = 'expired' THEN '' ELSE method END,
        CASE WHEN state = 'expired' THEN '' WHEN method = 'upi' THEN 'PPBL'
            ELSE 'HDFC' END,
        CASE WHEN state = 'expired' OR method IN ('upi', 'wallet') THEN ''
            ELSE (%(banks)s::text[])[1 + floor(8 * power(more, 2))::int] END,
        CASE state WHEN 'expired' THEN '334' WHEN 'failed'
            THEN (ARRAY['227', '810', '401', '402'])[1 + floor(4 * power(more, 2))::int]
            ELSE '01' END,
        CASE state WHEN 'expired' THEN 'Invalid Order Id.' WHEN 'failed'
            THEN (ARRAY['Your payment has been declined by your bank.',
                'Txn closed, the payment page has expired.',
                'Your payment has been declined by your bank.',
                'Looks like the payment is not complete.'])[1 + floor(4 * power(more, 2))::int]
            ELSE 'Txn Success' END,
        received, CASE WHEN received > 0 THEN began + wait END,
        CASE WHEN state <> 'surplus' THEN '' WHEN received <> paise THEN 'amount' ELSE 'taken' END,
        CASE WHEN kept THEN began + interval '5 hours' END,
        CASE WHEN kept THEN 'Asha Rao' ELSE '' END,
        CASE WHEN began > %(until)s - interval '3 days' OR kept THEN 0
            WHEN back < 0.017 THEN received WHEN back < 0.026 THEN received / 3 ELSE 0 END,
        CASE WHEN began > %(until)s - interval '3 days' AND back < 0.002 THEN received ELSE 0 END,
        began, began + CASE WHEN state = 'expired' THEN interval '17 minutes' ELSE wait END,
        CASE WHEN received > 0 AND settled_on < %(today)s THEN settled_on END
    FROM (
        SELECT *, day + CASE date_part('isodow', day) WHEN 5 THEN 3 WHEN 6 THEN 2 ELSE 1 END
            AS settled_on
        FROM (SELECT *, ((began + wait) AT TIME ZONE %(zone)s)::date AS day FROM (
        SELECT *, CASE state WHEN 'paid' THEN paise
                WHEN 'surplus' THEN paise + CASE WHEN more < 0.5 THEN 1000 ELSE 0 END
                ELSE 0 END AS received,
            state = 'surplus' AND back < 0.4 AS kept, translate(id::text, '-', '') AS hex,
            interval '15 seconds' + after * interval '2 minutes' AS wait
        FROM (
            SELECT d.*, l.id AS link_id, l.description,
                coalesce(l.paise, greatest(1000, least(20000000, CASE WHEN more < 0.2
                    THEN round(exp(9.2 + 1.9 * (size + more * 5 - 1)))
                    ELSE 1000 * round(exp(2.4 + 3.2 * size)) END)))::bigint AS paise,
                (%(first_names)s::text[])[1 + who %% 64] AS first_name,
                (%(last_names)s::text[])[1 + who / 64 %% 64] AS last_name,
                CASE WHEN way < 0.72 THEN 'upi' WHEN way < 0.81 THEN 'credit_card'
                    WHEN way < 0.89 THEN 'debit_card' WHEN way < 0.94 THEN 'net_banking'
                    WHEN way < 0.985 THEN 'wallet' ELSE 'emi' END AS method,
                CASE WHEN fate > 0.9985 THEN 'surplus' WHEN fate > 0.925 THEN 'expired'
                    WHEN fate > CASE WHEN way < 0.72 THEN 0.85 ELSE 0.79 END THEN 'failed'
                    ELSE 'paid' END AS state
            FROM ({DRAWS}) AS d JOIN busy_link AS l ON l.number = d.link OFFSET 0
        ) AS named OFFSET 0
        ) AS decided) AS dated OFFSET 0
    ) AS settled
    ) AS p ({COLUMNS});
    ANALYZE payments_payment
"""  # noqa: S608  (constants of this module only)

SALES = """
    INSERT INTO payments_transfer (live, at, day, payment_id, debit, credit, paise, method, folded)
    SELECT false, decided_at, (decided_at AT TIME ZONE %(zone)s)::date, id, 'receivable',
        CASE state WHEN 'paid' THEN 'sales' ELSE 'surplus' END, received_paise, method,
        (decided_at AT TIME ZONE %(zone)s)::date < %(today)s
    FROM payments_payment WHERE state IN ('paid', 'surplus') ORDER BY decided_at;
    INSERT INTO payments_transfer (live, at, day, payment_id, debit, credit, paise, method, folded)
    SELECT false, accepted_at, (accepted_at AT TIME ZONE %(zone)s)::date, id, 'surplus', 'sales',
        received_paise, method, false
    FROM payments_payment WHERE accepted_at IS NOT NULL ORDER BY accepted_at
"""

RECEIPTS = """
    INSERT INTO payments_receipt (payment_id, live, year, number, numbered_at)
    SELECT id, false, year, row_number() OVER (PARTITION BY year ORDER BY decided_at, id),
        decided_at
    FROM (
        SELECT id, decided_at, date_part('year', (paid_at AT TIME ZONE %(zone)s)
            - interval '3 months')::int AS year
        FROM payments_payment WHERE state IN ('paid', 'surplus')
    ) AS arrived
"""

# Done, or, where the payment is new, on its way; a few more have failed.
REFUNDS = """
    INSERT INTO payments_refund (id, live, ref_id, payment_id, amount_paise, state, reason,
        paytm_refund_id, bank_reference, result_code, result_message, origin, asked_by_name, sends,
        refusal, refusal_words, created_at, decided_at, first_sent_at, sent_at)
    SELECT id, false, 'ref_' || translate(left(hex, 20), '01', 'xy'), payment_id, paise,
        CASE WHEN reserved_paise > 0 THEN 'accepted' ELSE 'done' END,
        (ARRAY['', 'Came broken', 'Ordered twice', 'Out of stock', 'Not wanted any more'])
            [1 + floor(5 * power(luck, 2))::int],
        'R' || right(hex, 18), CASE WHEN reserved_paise > 0 THEN '' ELSE right(hex, 12) END,
        CASE WHEN reserved_paise > 0 THEN '601' ELSE '10' END,
        CASE WHEN reserved_paise > 0 THEN 'Refund request was raised for this transaction.'
            ELSE 'Refund Successfull' END,
        'person', 'Asha Rao', 1, '', '', asked, CASE WHEN reserved_paise = 0
            THEN asked + interval '1 minute' + luck * interval '20 hours' END, asked, asked
    FROM (
        SELECT gen_random_uuid() AS id, translate(gen_random_uuid()::text, '-', '') AS hex,
            id AS payment_id, refunded_paise + reserved_paise AS paise, reserved_paise,
            decided_at + CASE WHEN reserved_paise > 0 THEN interval '1 minute'
                ELSE (0.1 + random()) * interval '1 day' END AS asked, random() AS luck
        FROM payments_payment WHERE refunded_paise + reserved_paise > 0 ORDER BY created_at
    ) AS wanted;
    INSERT INTO payments_transfer (live, at, day, payment_id, refund_id, debit, credit, paise,
        method, folded)
    SELECT false, r.decided_at, (r.decided_at AT TIME ZONE %(zone)s)::date, p.id, r.id,
        CASE p.state WHEN 'paid' THEN 'refunds' ELSE 'surplus' END, 'receivable', r.amount_paise,
        p.method, (r.decided_at AT TIME ZONE %(zone)s)::date < %(today)s
    FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
    WHERE r.state = 'done' ORDER BY r.decided_at
"""

# Each day's money comes on the next working day.
PAYOUTS = """
    CREATE TEMP TABLE busy_day ON COMMIT DROP AS
    SELECT day, day + CASE date_part('isodow', day) WHEN 5 THEN 3 WHEN 6 THEN 2 ELSE 1 END
        AS paid_on
    FROM (
        SELECT (paid_at AT TIME ZONE %(zone)s)::date FROM payments_payment WHERE received_paise > 0
        UNION SELECT (decided_at AT TIME ZONE %(zone)s)::date FROM payments_refund
            WHERE state = 'done'
    ) AS moved (day);
    CREATE TEMP TABLE busy_payout ON COMMIT DROP AS
    SELECT gen_random_uuid() AS id, paid_on, (paid_on::timestamp AT TIME ZONE 'Asia/Kolkata') AS at
    FROM (SELECT DISTINCT paid_on FROM busy_day WHERE paid_on < %(today)s) AS payouts;
    INSERT INTO payments_settlement (id, live, account_id, mid, utr, paid_on, paid_out_at,
        imported_at)
    SELECT id, false, %(account)s, %(mid)s,
        'AXISCN' || to_char(paid_on, 'YYMMDD') || right(translate(id::text, '-', ''), 6),
        paid_on, at, at + interval '9 hours' FROM busy_payout ORDER BY paid_on;
    ANALYZE busy_day, busy_payout
"""

LINES = """
    INSERT INTO payments_settlementline (settlement_id, kind, reference, nth, order_id, txn_id,
        gross_paise, commission_paise, gst_paise, settled_paise, txn_at, raw, match, payment_id,
        created_at)
    SELECT settlement, 'sale', order_id, 1, order_id, paytm_txn_id, received_paise, fee, gst,
        received_paise - fee - gst, paid_at, '{}', 'matched', payment, at + interval '9 hours'
    FROM (
        SELECT *, round(fee * 0.18)::bigint AS gst FROM (
            SELECT b.id AS settlement, b.at, p.id AS payment, p.order_id, p.paytm_txn_id,
                p.received_paise, p.paid_at, round(p.received_paise * CASE p.method
                    WHEN 'upi' THEN 0 WHEN 'debit_card' THEN 0.009 WHEN 'emi' THEN 0.022
                    ELSE 0.019 END)::bigint AS fee
            FROM payments_payment p
            JOIN busy_day d ON d.day = (p.paid_at AT TIME ZONE %(zone)s)::date
            JOIN busy_payout b ON b.paid_on = d.paid_on
            WHERE p.received_paise > 0
        ) AS charged OFFSET 0
    ) AS settled ORDER BY at;
    INSERT INTO payments_settlementline (settlement_id, kind, reference, nth, order_id, txn_id,
        gross_paise, commission_paise, gst_paise, settled_paise, txn_at, raw, match, payment_id,
        refund_id, created_at)
    SELECT b.id, 'refund', r.paytm_refund_id, 1, p.order_id, r.paytm_refund_id, -r.amount_paise, 0,
        0, -r.amount_paise, r.decided_at, '{}', 'matched', p.id, r.id, b.at + interval '9 hours'
    FROM payments_refund r
    JOIN busy_day d ON d.day = (r.decided_at AT TIME ZONE %(zone)s)::date
    JOIN busy_payout b ON b.paid_on = d.paid_on
    JOIN payments_payment p ON p.id = r.payment_id
    WHERE r.state = 'done' ORDER BY b.at;
    INSERT INTO payments_transfer (live, at, day, payment_id, settlement_id, settlement_line_id,
        turn, debit, credit, paise, method, folded)
    SELECT false, b.at + interval '9 hours', b.paid_on, l.payment_id, b.id, l.id, 0, part.account,
        'receivable', part.paise, p.method, true
    FROM payments_settlementline l JOIN busy_payout b ON b.id = l.settlement_id
    JOIN payments_payment p ON p.id = l.payment_id
    CROSS JOIN LATERAL (VALUES ('fees', l.commission_paise), ('gst', l.gst_paise))
        AS part (account, paise)
    WHERE part.paise > 0 ORDER BY l.id;
    INSERT INTO payments_transfer (live, at, day, settlement_id, turn, debit, credit, paise,
        method, folded)
    SELECT false, at + interval '9 hours', paid_on, id, 0,
        CASE WHEN paise > 0 THEN 'bank' ELSE 'receivable' END,
        CASE WHEN paise > 0 THEN 'receivable' ELSE 'bank' END, abs(paise), '', true
    FROM (
        SELECT b.*, s.paise FROM busy_payout b JOIN (
            SELECT settlement_id, sum(settled_paise)::bigint AS paise
            FROM payments_settlementline GROUP BY settlement_id
        ) AS s ON s.settlement_id = b.id
    ) AS paid WHERE paise <> 0 ORDER BY paid_on
"""

# As `payments.folding` sums it: whole days at once, so that what is left for it is today.
FIGURES = f"""
    INSERT INTO payments_dailyfigure (live, day, method, {", ".join(folding.FIGURES)}, revision,
        published)
    SELECT live, day, method, {", ".join(f"sum({name})" for name in folding.FIGURES)}, 1, 0
    FROM (SELECT live, day, method, {folding.MOVEMENT} FROM payments_transfer WHERE folded) AS rows
    GROUP BY live, day, method ORDER BY live, day, method;
    INSERT INTO payments_attemptfigure (live, day, state, method, result_code, count, paise)
    SELECT live, counted_day, state, method, result_code, count(*), sum(amount_paise)
    FROM payments_payment GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608  (constants only)

STORIES = """
    INSERT INTO payments_timelineentry (payment_id, at, kind, state, words, by_name)
    SELECT id, decided_at, 'status', state, result_code || ' ' || result_message, ''
    FROM (SELECT * FROM payments_payment ORDER BY created_at DESC LIMIT 2000) AS newest
    ORDER BY decided_at;
    INSERT INTO payments_linkviews (link_id, seen)
    SELECT link_id, count(*) * 2 FROM payments_payment GROUP BY link_id
"""

STATEMENTS: Final = (
    LINKS, PAYMENTS, SALES, RECEIPTS, REFUNDS, PAYOUTS, LINES, FIGURES, STORIES
)  # fmt: skip


# --- How


@contextmanager
def _bare(cursor: Any, tables: Sequence[str]) -> Iterator[None]:
    """These tables with their primary keys alone; the rest is made anew at the end, which is many
    times quicker than keeping it up row by row."""
    kept = [pair for table in tables for pair in _extras(cursor, table)]
    for drop, _ in kept:
        cursor.execute(drop)
    yield
    for _, make in reversed(kept):
        cursor.execute(make)


def _extras(cursor: Any, table: str) -> list[tuple[str, str]]:
    """How to drop and how to make each constraint but the key's and the checks, and each index."""
    cursor.execute(
        """
        SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
            format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
                pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype IN ('f', 'u')
        UNION ALL
        SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
        FROM pg_index WHERE indrelid = %(table)s::regclass AND NOT indisprimary
            AND indexrelid NOT IN (SELECT conindid FROM pg_constraint
                WHERE conrelid = %(table)s::regclass AND contype IN ('u', 'p', 'x'))
        """,
        {"table": table},
    )
    return list(cursor.fetchall())
