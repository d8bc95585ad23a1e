"""Finding a payment by whatever scrap there is of it: what is written down, and what is asked.

Two things can be known of a payment: *words* (of the payer's name and mail, of notes), found by
any three letters in a row or by the two that a word begins with; and *identifiers* (order id,
Paytm's id, the bank's reference, phone), found whole or by their last four characters or more.
Case, accents and punctuation are the same to both. An order id is also found by its beginning.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, product
from typing import Any, Final
from uuid import UUID

from django.db import connection

from config.clock import now

# Everything of ASCII that is neither letter nor digit. Other scripts are kept as they are.
_BETWEEN: Final = r"\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f"
_ACCENTS: Final = r"\u0300-\u036f"
# A phone or card number as people write it, which is one thing although it has blanks.
_NUMBER: Final = re.compile(r"(?<!\S)\+?\d[\d ()./-]{8,18}\d(?!\S)")
_PIECES: Final = re.compile(r'"([^"]*)"?|(\S+)')
_ORDER_ID: Final = re.compile(r"pay_[a-z0-9]{1,46}")
_ORDER_ID_HEAD: Final = re.compile(r"[a-z0-9]{6,46}")
_ENDS: Final = (10, 6, 4)
MOST_TERMS: Final = 8
LONG: Final = 4  # of these characters and more, a name says enough
YOUNG: Final = timedelta(days=2)


def folded(text: str) -> str:
    """Words as they are compared: without case, accents and punctuation, one blank between."""
    plain = re.sub(f"[{_ACCENTS}]", "", unicodedata.normalize("NFKD", text))
    lower = "".join(c.lower() if c.isascii() else c for c in plain)
    return re.sub(f"[{_BETWEEN}]+", " ", lower).strip(" ")


@dataclass(frozen=True)
class Term:
    """One thing that a payment must be found by, as SQL about `payments_searchtext AS s` and
    `payments_payment AS p`."""

    text: str

    @property
    def words(self) -> str:
        return folded(self.text)

    @property
    def id(self) -> str:
        return self.words.replace(" ", "")

    @property
    def grams(self) -> tuple[str, ...]:
        """Pieces that words with this in them have; () when it is too short to look for. Of a mail
        address those before the @: half of all payments have the others."""
        name = folded(self.text.split("@")[0])
        first, *others = (name if len(name) > LONG else self.words).split(" ")
        pieces = [f" {first}" if len(first) == 2 else first, *(f" {other}" for other in others)]
        return tuple(dict.fromkeys(g for piece in pieces for g in _grams(piece)))

    @property
    def end(self) -> str:
        """The piece that identifiers with this end have; "" when it is none."""
        if not (self.id.isascii() and self.id.isalnum()):
            return ""
        return next((f"${self.id[-n:]}" for n in _ENDS if len(self.id) >= n), "")

    @property
    def order_id(self) -> str:
        """The beginning of an order id that this may be, or ""."""
        text = self.text.strip().lower()
        if _ORDER_ID.fullmatch(text):
            return text
        return f"pay_{text}" if _ORDER_ID_HEAD.fullmatch(text) else ""

    @property
    def is_searchable(self) -> bool:
        return bool(self.grams or self.end or self.order_id)

    @property
    def inside(self) -> str:
        """What the words have in them."""
        start = " " if len(self.words.split(" ")[0]) < 3 else ""
        return f"{start}{self.words}"

    @property
    def pattern(self) -> str:
        """What the words are LIKE."""
        return f"%{literal(self.inside)}%"

    def matches(self) -> tuple[str, list[object]]:
        """The condition on s, index or not."""
        ways = [("s.words LIKE %s", self.pattern)] if self.grams else []
        ways += [("s.ids LIKE %s", f"%{literal(self.id)} %")] if self.end else []
        return _any([way for way, _ in ways]), [value for _, value in ways]

    @property
    def ways(self) -> tuple[tuple[str, ...], ...]:
        """The pieces that words with this in them have, and those of identifiers with this end."""
        return tuple(way for way in (self.grams, (self.end,)) if any(way))


def indexed(terms: Iterable[Term], months: Sequence[str]) -> tuple[str, list[object]]:
    """A condition on s by the index of pieces that what all these terms match in these months
    implies. Each combination of their ways is one question: the index intersects what it has of
    common words far better than the planner does two of its answers."""
    ways = [list(dict.fromkeys(chain(*each))) for each in product(*(t.ways for t in terms))]
    asked = [[month + piece for piece in way] for month, way in product(months, ways)]
    return _any(list(map(_contains, asked))), [piece for pieces in asked for piece in pieces]


def terms_of(text: str) -> tuple[str, ...]:
    """The terms of what somebody typed: words, "words in a row", and phone numbers with blanks."""
    numbers: list[str] = []

    def kept(match: re.Match[str]) -> str:
        number = _phone(match[0])
        if not number:
            return match[0]
        numbers.append(number)
        return " "

    rest = _NUMBER.sub(kept, text)
    pieces = [quoted or _phone(plain) or plain for quoted, plain in _PIECES.findall(rest)]
    terms = [" ".join(piece.replace('"', " ").split()) for piece in (*pieces, *numbers)]
    return tuple(dict.fromkeys(filter(None, terms)))


def _phone(text: str) -> str:
    """The digits of what may be a phone number, or "". Without the country's +91 and the trunk's
    0, which what was written down may or may not have."""
    digits = re.sub(r"[ ()./+-]", "", text)
    if not (digits.isdigit() and digits.isascii() and 10 <= len(digits) <= 13):
        return ""
    return digits[-10:] if digits.startswith(("91", "0")) else digits


def _grams(piece: str) -> Iterator[str]:
    """Three letters each, side by side, and the last three: so few say nearly as much as all
    that overlap, and the index has fewer lists to go through."""
    for n in {*range(0, len(piece) - 2, 3), len(piece) - 3}:
        if n >= 0:
            yield piece[n : n + 3]


def literal(text: str) -> str:
    """As LIKE takes it letter for letter, so that an index knows all of it."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _contains(pieces: Sequence[str], piece: str = "%s") -> str:
    return f"s.grams @> ARRAY[{', '.join([f'hashtext({piece})'] * len(pieces))}]"


def _any(ways: Sequence[str]) -> str:
    return f"({' OR '.join(ways)})" if ways else "false"


def matching(live: bool, word: str) -> tuple[str, list[object]]:
    """The condition on p that this term matches, for statements about any number of payments."""
    term = Term(word)
    named = _any([_contains(way, "m.month || %s") for way in term.ways])
    pieces = [piece for way in term.ways for piece in way]
    matches, patterns = term.matches()
    part = f"""p.id IN (SELECT s.payment_id FROM ({_MONTHS}) AS m (month)
        JOIN payments_searchtext AS s ON {named} WHERE {matches})"""  # noqa: S608
    return _or_order_id(term, part, [live, *pieces, *patterns])


def fitting(word: str) -> tuple[str, list[object]]:
    """As `matching`, for few payments: looks each of them up."""
    term = Term(word)
    matches, patterns = term.matches()
    part = f"(SELECT {matches} FROM payments_searchtext s WHERE s.payment_id = p.id)"  # noqa: S608
    return _or_order_id(term, part, patterns)


def _or_order_id(term: Term, part: str, values: list[object]) -> tuple[str, list[object]]:
    if not term.order_id:
        return part, values
    return f"({part} OR p.order_id LIKE %s)", [*values, f"{literal(term.order_id)}%"]


def write(payment_id: UUID) -> None:
    """Write down what this payment is found by now, in the caller's transaction."""
    with connection.cursor() as cursor:
        # Who comes second waits here, and then reads what the first has written.
        cursor.execute(
            "SELECT FROM payments_searchtext WHERE payment_id = %s FOR UPDATE", [payment_id]
        )
        cursor.execute(_writing("WHERE p.id = %s"), [payment_id])


def fill() -> int:
    """Write down what those payments are found by that lack it; how many. Set-based: one
    statement. Before millions of rows drop the index `searchtext_grams` and make it afterwards."""
    return _fill(_LACKING, [])


def heal(limit: int) -> int:
    """As `fill`, for at most so many of those begun within two days, or before all others that
    are written down. Costs nothing where there is none."""
    return _fill(_LACKING_NOW, [now() - YOUNG, limit])


def month(live: bool, moment: datetime) -> str:
    """How pieces begin of payments in this world begun in the moment's month (UTC)."""
    return f"{'live' if live else 'test'}{moment.astimezone(UTC):%Y%m}"


def _fill(chosen: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_writing(chosen), values)
        return int(cursor.rowcount)


_LACKING = """
    WHERE NOT EXISTS (SELECT FROM payments_searchtext AS s WHERE s.payment_id = p.id)
"""
_LACKING_NOW = f"""
    {_LACKING} AND (p.created_at > %s OR p.created_at <= (
        SELECT coalesce(min(s.created_at), 'infinity') FROM payments_searchtext AS s
        WHERE s.live = p.live
    ))
    ORDER BY p.created_at DESC LIMIT %s
"""  # noqa: S608


def _folded(text: str) -> str:
    """As `folded`, in SQL."""
    plain = f"regexp_replace(normalize({text}, NFKD), '[{_ACCENTS}]', '', 'g')"
    return f"""regexp_replace(lower({plain} COLLATE "C"), '[{_BETWEEN}]+', ' ', 'g')"""


def _id(text: str) -> str:
    return f"""nullif(lower(regexp_replace({text}, '[^A-Za-z0-9]', '', 'g') COLLATE "C"), '')"""


def _writing(chosen: str) -> str:
    """The statement that writes down what the payments `p` that are chosen are found by."""
    return f"""
        INSERT INTO payments_searchtext AS old (payment_id, live, created_at, words, ids, grams)
        SELECT t.id, t.live, t.created_at, t.words, t.ids, ({_GRAMS}) FROM (
            SELECT p.id, p.live, p.created_at, {_WORDS} AS words, {_IDS} AS ids
            FROM payments_payment AS p {chosen} OFFSET 0  -- so that texts are made once each
        ) AS t
        ON CONFLICT (payment_id) DO UPDATE
        SET words = EXCLUDED.words, ids = EXCLUDED.ids, grams = EXCLUDED.grams
        WHERE (old.words, old.ids) IS DISTINCT FROM (EXCLUDED.words, EXCLUDED.ids)
    """  # noqa: S608  (constants only)


_NOTES = """(
    SELECT string_agg(t.words, ' ') FROM payments_timelineentry AS t
    WHERE t.payment_id = p.id AND t.kind = 'note'
)"""
_TOLD = f"concat_ws(' ', p.payer_name, p.payer_email, {_NOTES})"
_WORDS = f"' ' || btrim({_folded(_TOLD)})"
_NAMES = ("p.order_id", "p.paytm_txn_id", "p.bank_txn_id", "p.payer_phone")
_IDS = f"concat_ws(' ', {', '.join(map(_id, _NAMES))}, '')"
# As `month`, of a row t or s.
_MONTH = """CASE WHEN live THEN 'live' ELSE 'test' END || to_char(moment, 'YYYYMM')"""
# Three letters within a word or with the blank before it, and the ends of identifiers; each with
# the month before it, so that of a common word the index reads a month's payments and no others.
_GRAMS = f"""
    SELECT array_agg(DISTINCT hashtext(month || gram)) FROM (
        SELECT substr(t.words, n, 3) FROM generate_series(1, length(t.words) - 2) AS n
        UNION ALL
        SELECT '$' || right(id, n) FROM unnest(string_to_array(btrim(t.ids), ' ')) AS id,
            unnest(ARRAY[4, 6, 10]) AS n WHERE length(id) >= n
    ) AS grams (gram), (
        SELECT {_MONTH} FROM (SELECT t.live, t.created_at AT TIME ZONE 'UTC') AS t (live, moment)
    ) AS months (month) WHERE position(' ' IN substr(gram, 2)) = 0
"""  # noqa: S608  (constants only)
# The months in which payments of a world were begun.
_MONTHS = f"""
    SELECT {_MONTH} FROM (
        SELECT s.live, date_trunc('month', min(s.created_at) AT TIME ZONE 'UTC'),
            max(s.created_at) AT TIME ZONE 'UTC'
        FROM payments_searchtext AS s WHERE s.live = %s GROUP BY s.live
    ) AS all_of (live, first, last), generate_series(first, last, interval '1 month') AS moment
"""  # noqa: S608  (constants only)
