"""The newest payments of a selection, at a cost that does not grow with the payments there are.

A *way* leads to payments by one index; whatever else the selection asks is looked at row by row.
Which way is the short one depends on the data, and no statistics are trusted with it: each way is
walked a little, then each a little further, until one of them has filled the page or come to its
end. So a page costs a small multiple of what its best way costs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final
from uuid import UUID

from config import rows
from payments import searching
from payments.searching import Term, literal
from payments.selecting import (
    MONEY,
    NO,
    PAID_OUT,
    REFUNDED,
    SETTLED,
    YES,
    Condition,
    Selection,
    given,
    joined,
)
from payments.states import ARRIVED, PaymentState

# How many rows of each way are looked at in one go; in the end all.
STRIDES: Final = (1_000, 5_000, 20_000, None)
# How many terms of a search its index is asked for; the others are looked at row by row.
TELLING: Final = 3
# How many of the newest texts a search looks at for each that it would look at by its index.
NEWEST: Final = 4
# The planner thinks little of indexes of arrays, and what they name of common words is to be known
# row by row. Said in the same message, it holds for that alone.
BY_INDEX: Final = "SET LOCAL enable_seqscan = off; SET LOCAL work_mem = '32MB'; "
# Paid out or not, whatever the state.
EITHER: Final = (f"{PAID_OUT} = 0", f"{PAID_OUT} = 1")
# What a row is judged by.
JUDGED: Final = (
    "p.created_at, p.id, p.live, p.state, p.method, p.amount_paise, p.received_paise,"
    " p.refunded_paise, p.link_id, p.settled_on, p.order_id"
)
# What a row is counted by.
COUNTED: Final = "p.created_at, p.id AS id"

Row = tuple[Any, ...]
Looks = Iterator[Callable[[int, int | None], list[UUID] | None]]


@dataclass(frozen=True)
class Place:
    """Where a page begins: beyond this payment, towards older ones or towards newer ones."""

    moment: datetime | None = None
    id: UUID | None = None
    newer: bool = False

    def beyond(self, table: str = "p", key: str = "id") -> Iterator[Condition]:
        if self.moment is not None:
            on, past = (">", "<") if self.newer else ("<", ">")
            yield f"{table}.created_at {on}= %s", [self.moment]
            beside = f"{table}.created_at {on} %s OR {table}.{key} {past} %s"
            yield beside, [self.moment, self.id]

    def order(self, table: str = "p", key: str = "id") -> str:
        newest, then = ("ASC", "DESC") if self.newer else ("DESC", "ASC")
        return f"ORDER BY {table}.created_at {newest}, {table}.{key} {then}"


TOP: Final = Place()


def found(selection: Selection, columns: str, size: int, place: Place = TOP) -> list[Row]:
    """The first `size` of the selection's payments beyond the place, as `columns` of
    `payments_payment AS p`, which are SQL of ours and begin with created_at and id."""
    whole = next((way for way in _ways(selection, place) if way.is_whole), None)
    if whole and len(whole.streams) == 1:
        return rows.ask_all(*whole.walk(columns, size))
    if whole:
        merged, values = whole.walk("p.created_at, p.id", size)
        sql = f"SELECT {columns} FROM ({merged}) AS k JOIN payments_payment AS p ON p.id = k.id"  # noqa: S608
        return rows.ask_all(f"{sql} {place.order()}", values)
    ids = keys(selection, size, place)
    sql = f"SELECT {columns} FROM payments_payment AS p WHERE p.id = ANY(%s) {place.order()}"  # noqa: S608
    return rows.ask_all(sql, [ids]) if ids else []


def keys(
    selection: Selection, size: int, place: Place = TOP, strides: Iterable[int | None] = STRIDES
) -> list[UUID] | None:
    """The ids of the first `size` payments beyond the place, in order; None when the strides
    ended before that was certain."""
    looks = [*_looks(selection, place)]
    for stride in strides:
        for look in looks:
            ids = look(size, stride)
            if ids is not None:
                return ids
    return None


def _looks(selection: Selection, place: Place) -> Looks:
    ways = [*_ways(selection, place)]
    if selection.words:
        search = Search(selection, place)
        yield from (search.looks(is_alone=not ways))
    yield from (way.look for way in ways)
    if not ways and not selection.words:
        yield Way(selection, place).look
    if selection.min_paise is not None or selection.max_paise is not None:
        yield Amounts(selection, place).look


def _ways(selection: Selection, place: Place) -> Iterator["Way"]:
    """The ways that are shorter than all of the world's payments, newest first."""
    if selection.link_id:
        yield Way(selection, place, ("link_id",), ((("p.link_id = %s", [selection.link_id]),),))
    if selection.tag:
        yield Tagged(selection, place, ("tag",), ((("t.name = %s", [selection.tag]),),))
    standings = [*_standings(selection)]
    if selection.methods:
        methods = [_is("method", method) for method in selection.methods]
        streams = tuple((method, *standing) for method, standing in product(methods, standings))
        yield Way(selection, place, ("methods", "states", "refunded"), streams)
    if selection.states or selection.refunded == YES or selection.settled:
        outs = [SETTLED[selection.settled]] if selection.settled else EITHER
        streams = tuple((*standing, (out, [])) for standing, out in product(standings, outs))
        yield Way(selection, place, ("states", "refunded", "settled"), streams)
    if selection == replace(Selection(selection.live), first=selection.first, last=selection.last):
        yield Way(selection, place)


def _standings(selection: Selection) -> Iterator[tuple[Condition, ...]]:
    """The states that are selected, with something given back and without: what never arrived is
    not given back."""
    has_arrived = selection.refunded == YES or selection.settled == NO
    for state in selection.states or (ARRIVED if has_arrived else PaymentState.values):
        backs = [REFUNDED[NO], REFUNDED[YES]] if state in ARRIVED else [REFUNDED[NO]]
        if selection.refunded:
            backs = [REFUNDED[selection.refunded]]
        yield from ((_is("state", state), (back, [])) for back in backs)


def _is(column: str, word: str) -> Condition:
    return f"p.{column} = %s", [word]


@dataclass(frozen=True)
class Way:
    """Streams of one index, each newest first, merged. `covers` names what of the selection they
    have answered."""

    selection: Selection
    place: Place
    covers: tuple[str, ...] = ()
    streams: tuple[tuple[Condition, ...], ...] = ((),)

    @property
    def rest(self) -> Selection:
        """What is left to be looked at."""
        nothing = Selection(self.selection.live)
        covered = {name: getattr(nothing, name) for name in (*self.covers, "first", "last")}
        return replace(self.selection, **covered)

    @property
    def is_whole(self) -> bool:
        return self.rest.is_everything

    def walk(self, columns: str, size: int | None) -> Condition:
        """The statement of its first rows, whatever else the selection asks."""
        parts = [self.stream(stream, columns, size) for stream in self.streams]
        if len(parts) == 1:
            return parts[0]
        merged = " UNION ALL ".join(f"({part})" for part, _ in parts)
        sql = f"SELECT * FROM ({merged}) AS p {self.place.order()} {_limit(size)}"  # noqa: S608
        return sql, [value for _, values in parts for value in values]

    def stream(self, stream: Sequence[Condition], columns: str, size: int | None) -> Condition:
        where, values = joined([*_bounds(self.selection, self.place), *stream])
        sql = f"SELECT {columns} FROM payments_payment AS p WHERE {where}"  # noqa: S608
        return f"{sql} {self.place.order()} {_limit(size)}", values

    def look(self, size: int, stride: int | None) -> list[UUID] | None:
        """The page, if so many rows of this way fill it or are all there are. No more of them are
        read than that takes, and counted only where it is not full."""
        walked, values = self.walk(JUDGED, stride)
        fitting = map(searching.fitting, self.selection.words)
        rest, more = joined([*self.rest.conditions(), *fitting])
        counted, again = ("0", []) if stride is None else self._counted(size, stride)
        order = self.place.order()
        sql = f"""
            WITH page AS MATERIALIZED (
                SELECT p.created_at, p.id FROM ({walked}) AS p WHERE {rest} {order} LIMIT {size:d}
            ) SELECT ARRAY(SELECT p.id FROM page AS p {order}), {counted}
        """  # noqa: S608
        [(ids, count)] = rows.ask_all(sql, [*values, *more, *again])
        return ids if count is None or stride is None or count < stride else None

    def _counted(self, size: int, stride: int) -> Condition:
        """How many rows there are up to the stride; nothing where the page is full."""
        walked, values = self.walk(COUNTED, stride)
        sql = f"""CASE WHEN (SELECT count(*) FROM page) < {size:d}
            THEN (SELECT count(*) FROM ({walked}) AS p) END"""  # noqa: S608
        return sql, values


class Tagged(Way):
    """The way by a tag, which stands in a table of its own: the moment beside it is the payment's,
    and in its order the payments are looked up one by one."""

    def stream(self, stream: Sequence[Condition], columns: str, size: int | None) -> Condition:
        bounds = _bounds(self.selection, self.place, "t", "payment_id")
        where, values = joined([*bounds, *stream])
        order = self.place.order("t", "payment_id")
        keys = f"""SELECT t.created_at, t.payment_id FROM payments_paymenttag AS t
            WHERE {where} {order} {_limit(size)}"""  # noqa: S608
        if columns == COUNTED:
            return keys, values
        found = columns.replace("p.created_at, p.id", "t.created_at, t.payment_id AS id", 1)
        # OFFSET 0: looked up one by one, whatever the planner thinks of reading them all instead.
        sql = f"""SELECT {found} FROM ({keys}) AS t JOIN LATERAL (
                SELECT * FROM payments_payment AS p WHERE p.id = t.payment_id OFFSET 0
            ) AS p ON true {order}"""  # noqa: S608
        return sql, values


@dataclass(frozen=True)
class Amounts:
    """The way by amounts, which come in no order: good where there are few."""

    selection: Selection
    place: Place

    def look(self, size: int, stride: int | None) -> list[UUID] | None:
        """The page, if there are not so many of these amounts."""
        selection = self.selection
        where, values = joined(
            [
                *_bounds(selection, self.place),
                *given(f"{MONEY} >= %s", selection.min_paise),
                *given(f"{MONEY} <= %s", selection.max_paise),
            ]
        )
        walked = f"""SELECT p.created_at, p.id FROM payments_payment AS p
            WHERE {where} {_limit(stride)}"""  # noqa: S608
        rest = replace(selection, min_paise=None, max_paise=None, first=None, last=None)
        page, more = _of_few(rest, self.place, size, stride)
        return _asked(walked, page, [*values, *more], size, stride)


class Search:
    """The ways by words: the newest one by one, and those that the index names, months after
    months."""

    def __init__(self, selection: Selection, place: Place) -> None:
        self.selection, self.place = selection, place
        self.rest = replace(selection, words=(), first=None, last=None)
        self.terms = [*map(Term, selection.words)]
        self.telling = sorted(self.terms, key=lambda t: (_looks_rare(t), len(t.text)))[-TELLING:]
        heads = [f"{literal(term.order_id)}%" for term in self.terms if term.order_id]
        self.heads = [head for head in heads if _is_begun(head)]

    def looks(self, *, is_alone: bool) -> Looks:
        """Where an order id begins with a term, only that payment's own row says what is true:
        it may lack its search text."""
        if self.heads:
            yield self.begun
            yield Way(self.selection, self.place).look
        else:
            if is_alone and not any(map(_looks_rare, self.terms)):
                yield self.newest
            yield self.named

    def newest(self, size: int, stride: int | None) -> list[UUID] | None:
        """The page, if the newest texts fill it: so it is with common words, of which the index
        would read a whole month. No more of them are read than that takes."""
        if stride not in STRIDES[:2]:
            return None
        where, values = joined(self._bounds())
        order, most = self.place.order("s", "payment_id"), _limit(NEWEST * stride)
        matches, more = joined([term.matches() for term in self.terms])
        page = f"""SELECT s.payment_id FROM (
                SELECT s.* FROM payments_searchtext AS s WHERE {where} {order} {most}
            ) AS s WHERE {matches} {order} LIMIT {size:d}"""  # noqa: S608
        found = rows.ask_all(page, [*values, *more], again=False)
        return [id for (id,) in found] if len(found) == size else None

    def named(self, size: int, stride: int | None) -> list[UUID] | None:
        """The page, from as many months as it takes, if the index names no more than the stride
        there."""
        ids, left = list[UUID](), stride
        for months in self._months():
            found, count = self._named_in(months, size - len(ids), left)
            ids += found
            left = None if left is None else left - count
            if len(ids) == size or left == 0:
                break
        return None if left == 0 else ids

    def _named_in(
        self, months: Sequence[str], size: int, most: int | None
    ) -> tuple[list[UUID], int]:
        """The first of these months, and how many were looked at; nothing if there are `most`."""
        walked, values = self._walk(months, most)
        page, more = _of_few(self.rest, self.place, size, most)
        return _walked(walked, page, [*values, *more], first=BY_INDEX)

    def begun(self, size: int, stride: int | None) -> list[UUID] | None:
        """The page, if few order ids begin so and the index names few."""
        months = [month for some in self._months() for month in some]
        walked, values = self._walk(months, stride)
        for head in self.heads:
            begun, more = joined(
                [*_bounds(self.selection, self.place), ("p.order_id LIKE %s", [head])]
            )
            walked += f""" UNION (SELECT p.created_at, p.id FROM payments_payment AS p
                WHERE {begun} {_limit(stride)})"""  # noqa: S608
            values += more
        rest = replace(self.selection, first=None, last=None)
        page, more = _of_few(rest, self.place, size, stride)
        return _asked(walked, page, [*values, *more], size, stride, first=BY_INDEX)

    def _walk(self, months: Sequence[str], most: int | None) -> Condition:
        """What the index names in these months, and nothing that another could lead to."""
        texts, values = searching.indexed(self.telling, months)
        where, more = joined([*self._bounds(), *(term.matches() for term in self.terms)])
        sql = f"""(SELECT s.created_at, s.payment_id AS id FROM (
                SELECT * FROM payments_searchtext AS s WHERE {texts} OFFSET 0
            ) AS s WHERE {where} {_limit(most)})"""  # noqa: S608
        return sql, [*values, *more]

    def _bounds(self) -> list[Condition]:
        return [*_bounds(self.selection, self.place, "s", "payment_id")]

    def _months(self) -> Iterator[Sequence[str]]:
        """Months in the order of the page: one, then two, then four and so on."""
        where, values = joined(self._bounds())
        sql = f"""SELECT min(s.created_at), max(s.created_at) FROM payments_searchtext AS s
            WHERE {where}"""  # noqa: S608
        [(first, last)] = rows.ask_all(sql, values, again=False)
        months = [searching.month(self.selection.live, m) for m in _months(first, last)]
        months = months if self.place.newer else months[::-1]
        count = 1
        while months:
            yield months[:count]
            months, count = months[count:], count * 2


def _looks_rare(term: Term) -> bool:
    return any(c.isdigit() or c == "@" for c in term.text)


def _is_begun(head: str) -> bool:
    sql = "SELECT true FROM payments_payment AS p WHERE p.order_id LIKE %s LIMIT 1"
    return bool(rows.ask_all(sql, [head], again=False))


def _months(first: datetime | None, last: datetime | None) -> Iterator[datetime]:
    """A moment of each month (UTC) from first to last."""
    if first is None or last is None:
        return
    moment = first.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while moment <= last:
        yield moment
        moment = (moment + timedelta(days=32)).replace(day=1)


def _bounds(
    selection: Selection, place: Place, table: str = "p", key: str = "id"
) -> Iterator[Condition]:
    """World, days and place, which every index has."""
    yield f"{table}.live = %s", [selection.live]
    for part, values in selection.days():
        yield part.replace("p.", f"{table}.", 1), values
    yield from place.beyond(table, key)


def _of_few(rest: Selection, place: Place, size: int, most: int | None) -> Condition:
    """The page of what was walked, which is all there is unless as many as `most` were found."""
    gate = "true" if most is None else f"steps.n < {most:d}"
    if rest.is_everything:
        return f"SELECT p.id FROM walked AS p WHERE {gate} {place.order()} LIMIT {size:d}", []  # noqa: S608
    where, values = joined([*rest.conditions(), *map(searching.fitting, rest.words)])
    sql = f"""SELECT p.id FROM walked JOIN payments_payment AS p ON p.id = walked.id
        WHERE {gate} AND {where} {place.order()} LIMIT {size:d}"""  # noqa: S608
    return sql, values


def _asked(
    walked: str,
    page: str,
    values: Sequence[object],
    size: int,
    stride: int | None,
    first: str = "",
) -> list[UUID] | None:
    """The page, if it is full, or if what was walked came to its end."""
    ids, count = _walked(walked, page, values, first)
    is_end = stride is None or count < stride
    return ids if is_end or len(ids) == size else None


def _walked(
    walked: str, page: str, values: Sequence[object], first: str = ""
) -> tuple[list[UUID], int]:
    """The page of what was walked, and how many that were."""
    sql = f"""{first}
        WITH walked AS MATERIALIZED ({walked})
        SELECT steps.n, page.id FROM (SELECT count(*) AS n FROM walked) AS steps
        LEFT JOIN LATERAL ({page}) AS page (id) ON true
    """  # noqa: S608
    answer = rows.ask_all(sql, values, again=False)
    return [id for _, id in answer if id is not None], answer[0][0]


def _limit(size: int | None) -> str:
    return "" if size is None else f"LIMIT {size:d}"
