"""Single rows at a fraction of the ORM's price, for the few places where money is counted in
microseconds: SQL is worked out once for each process, not for each call.

Nothing here sends signals. Tables are found by the search path, as the ORM finds them.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

import django.db
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import AutoField, BinaryField, Field, JSONField, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.query import get_related_populators
from django.db.transaction import TransactionManagementError
from django_tenants.utils import get_public_schema_name, quote_schema_name

from config.postgresql.prepared import Prepared

connection: Any = django.db.connection  # ours and django-tenants'; it has no types

M = TypeVar("M", bound=Model)
if TYPE_CHECKING:
    AnyField = Field[Any, Any]
else:
    AnyField = Field
UNLESS_THERE = "VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING {key}"
UNLESS_THERE_IF_FOUND = "SELECT {marks} FROM found ON CONFLICT DO NOTHING RETURNING {key}"
# Several statements, a lock, a function that may do something, and what is no place for a value.
ODD = re.compile(
    r";|\bFOR\b|\b(?:pg_\w+|lo_\w+|nextval|setval|set_config)\"?\s*\(|%(?!s)", re.IGNORECASE
)


class Statement(NamedTuple):
    """SQL in which every `%` belongs to a `%s`. `again`: the same text will come many times."""

    sql: str
    values: Sequence[Any]
    again: bool = True


class Asked(int):
    """Stands in the SQL's parameters for one of the values that are asked by."""


class Reads:
    """What a thread asked the database, each question with the schema that it was asked in."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, Statement]] = []
        self._is_told = False

    @property
    def are_all(self) -> bool:
        """Whether each of them can only read, and can be asked again as it stands."""
        return all(_only_reads(said.sql) for _, said in self.questions)

    def tell(self, home: str, statements: Sequence[Statement]) -> None:
        """What is about to be sent, in the words that it was asked in."""
        self.questions += [(home, statement) for statement in statements]
        self._is_told = True

    def hear(self, execute: Callable[..., Any], sql: str, values: Any, *more: Any) -> Any:
        """As Django's `execute_wrapper`: what nobody told of is the ORM's, or a cursor's.
        Where a schema is entered stands beside each question already."""
        if not (self._is_told or str(sql).startswith("SET search_path = ")):
            asked = Statement(str(sql), tuple(values or ()))
            self.questions.append((str(connection.schema_name), asked))
        self._is_told = False
        return execute(sql, values, *more)


class Trip(threading.local):
    """The statements of this thread that wait to be sent together; None outside `one_trip`. And
    who hears what it asks; None outside `reading`."""

    waiting: list[Statement] | None = None
    reads: Reads | None = None


_trip = Trip()


@contextmanager
def reading() -> Iterator[Reads]:
    """Note what is asked of the database inside, by this thread."""
    reads = _trip.reads = Reads()
    try:
        with connection.execute_wrapper(reads.hear):
            yield reads
    finally:
        _trip.reads = None


@contextmanager
def one_trip() -> Iterator[None]:
    """Send what `run`, `insert` and `update` are given inside as one message, in that order.

    For writes of one transaction that do not depend on each other's answers. It is sent at the
    end, so that is where the database's refusals are raised; an exception sends nothing.
    """
    if _trip.waiting is not None:
        raise RuntimeError("a trip within a trip")
    _trip.waiting = []
    try:
        yield
        statements = _trip.waiting
    finally:
        _trip.waiting = None
    if statements:
        with _sent(statements):
            pass


def run(sql: str, values: Sequence[Any]) -> None:
    """Run one statement whose answer nobody needs, with the others of the trip if there is one."""
    _write(Statement(sql, values, again=False))


def ask(sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run one statement at once; the first row of its answer, if it has any."""
    with _sent([Statement(sql, values)]) as cursor:
        return cast("tuple[Any, ...] | None", cursor.fetchone())


def ask_all(sql: str, values: Sequence[Any], *, again: bool = True) -> list[tuple[Any, ...]]:
    """Run one statement at once; all of its answer."""
    with _sent([Statement(sql, values, again)]) as cursor:
        return cast("list[tuple[Any, ...]]", cursor.fetchall())


def insert(row: Model) -> None:
    """As `row.save(force_insert=True)`, but a key that the database makes is not fetched."""
    sql, values = _insertion(type(row))
    _write(Statement(sql, values(row)))


def insert_unless_there(row: Model) -> bool:
    """Insert it at once and set its key; False, and nothing written, when a unique constraint
    has such a row."""
    sql, values = _insertion(type(row), UNLESS_THERE)
    with _sent([Statement(sql, values(row))]) as cursor:
        found = cursor.fetchone()
    return _keyed(row, found[0] if found else None)


def update(row: Model, *names: str) -> None:
    """As `row.save(update_fields=names)` of a row that is locked, and so is there."""
    sql, values = _updating(type(row), names)
    _write(Statement(sql, (*values(row), row.pk)))


class OneRow(Generic[M]):
    """A queryset read one row at a time, by some fields, its SQL worked out at the first call.

    `filter`, `only`, `defer`, `select_related` and `select_for_update` are honoured, nothing else
    is. Fields whose values the driver does not know must be deferred.
    """

    def __init__(self, queryset: QuerySet[M], *, by: str | tuple[str, ...]) -> None:
        self._queryset, self._by = queryset, (by,) if isinstance(by, str) else by
        self._insertions: dict[type[Model], tuple[str, Values]] = {}

    def get(self, *values: object) -> M:
        """Raises the model's DoesNotExist."""
        row = self.find(*values)
        if row is None:
            raise self._queryset.model.DoesNotExist  # type: ignore[attr-defined]
        return row

    def find(self, *values: object) -> M | None:
        """None when there is no such row. Raises TransactionManagementError for a lock outside
        a transaction."""
        sql, _ = self._sql
        with _sent([Statement(sql, self._values(*values))]) as cursor:
            row = cursor.fetchone()
        return None if row is None else self._instance(row)

    def get_and_insert(self, value: object, other: Model) -> tuple[M, bool]:
        """As `get`, and `insert_unless_there(other)` once the row is locked: one statement."""
        sql, values = self._and_insertion(type(other))
        with _sent([Statement(sql, [*self._values(value), *values(other)])]) as cursor:
            row = cursor.fetchone()
        if row is None:
            raise self._queryset.model.DoesNotExist  # type: ignore[attr-defined]
        return self._instance(row), _keyed(other, row[-1])

    def _and_insertion(self, model: type[Model]) -> tuple[str, "Values"]:
        if model not in self._insertions:
            found, _ = self._sql
            columns = ", ".join(f"c{n}" for n in range(len(self._compiler.select)))
            insertion, values = _insertion(model, UNLESS_THERE_IF_FOUND)
            sql = (
                f"WITH found ({columns}) AS MATERIALIZED ({found}),"  # noqa: S608
                f" kept (made) AS ({insertion})"
                " SELECT found.*, made FROM found LEFT JOIN kept ON true"
            )
            self._insertions[model] = sql, values
        return self._insertions[model]

    def _values(self, *values: object) -> list[object]:
        if self._queryset.query.select_for_update and connection.get_autocommit():
            raise TransactionManagementError("a lock outside a transaction")
        return [values[each] if isinstance(each, Asked) else each for each in self._sql[1]]

    def _instance(self, row: tuple[Any, ...]) -> M:
        start, end, names, related = self._shape
        instance = self._queryset.model.from_db(DEFAULT_DB_ALIAS, names, row[start:end])
        for each in related:
            each.populate(row, instance)
        return instance

    @cached_property
    def _worked_out(self) -> tuple[Any, tuple[str, tuple[object, ...]]]:
        """The compiler once it has worked, and its SQL. Together: threads may begin at once."""
        values = {by: RawSQL("%s", [Asked(n)]) for n, by in enumerate(self._by)}
        compiler = self._queryset.filter(**values).query.get_compiler(DEFAULT_DB_ALIAS)
        return compiler, compiler.as_sql()

    @property
    def _compiler(self) -> Any:
        return self._worked_out[0]

    @property
    def _sql(self) -> tuple[str, tuple[object, ...]]:
        return self._worked_out[1]

    @cached_property
    def _shape(self) -> tuple[int, int, list[str], list[Any]]:
        """Which columns are the row's own, their names, and who reads the related rows."""
        select, info = self._compiler.select, self._compiler.klass_info
        odd = [c.target.name for c, _, _ in select if isinstance(c.target, JSONField)]
        if odd:
            raise TypeError(f"defer these: {odd}")
        start, end = info["select_fields"][0], info["select_fields"][-1] + 1
        names = [column.target.attname for column, _, _ in select[start:end]]
        related = get_related_populators(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        return start, end, names, related


def _only_reads(sql: str) -> bool:
    """Plainly one SELECT that locks nothing; what is odd is taken for more than that."""
    return sql.lstrip().startswith("SELECT") and not ODD.search(sql)


def _write(statement: Statement) -> None:
    if _trip.waiting is None:
        with _sent([statement]):
            pass
    else:
        _trip.waiting.append(statement)


@contextmanager
def _sent(statements: Sequence[Statement]) -> Iterator[CursorWrapper]:
    """A cursor after these statements, sent as one message; it has the answer to the last."""
    own: Any = connections[DEFAULT_DB_ALIAS]  # looked up once: `connection` does it each time
    path = _path(own)
    with own.cursor() as cursor:  # before `prepared`: it may be that of a new connection
        prepared: Prepared = own.prepared
        home = str(own.schema_name)
        if _trip.reads is not None:
            _trip.reads.tell(home, statements)
        text = ";".join([prepared.text(home, s.sql) if s.again else s.sql for s in statements])
        try:
            cursor.execute(path + text, [value for each in statements for value in each.values])
        except Exception:
            prepared.doubt()
            own.search_path_set_schemas = None  # undone, if it was part of it
            raise
        yield cursor


def _path(own: Any) -> str:
    """What sets the search path, to travel with a statement; "" where django-tenants need not be
    spared a trip of its own."""
    if own.connection is None or own.search_path_set_schemas:
        return ""
    names = [str(own.schema_name), get_public_schema_name()]
    own.search_path_set_schemas = names
    return f"SET search_path = {', '.join(map(quote_schema_name, names))};"


Values = Callable[[Model], tuple[Any, ...]]


def _keyed(row: Model, key: object) -> bool:
    """Whether it was inserted, and is known under this key from now on."""
    if key is not None:
        row.pk, row._state.adding, row._state.db = key, False, DEFAULT_DB_ALIAS
    return key is not None


@cache
def _insertion(model: type[Model], what: str = "VALUES ({marks})") -> tuple[str, Values]:
    """The SQL, and what reads its values off a row."""
    fields = [f for f in model._meta.local_concrete_fields if not isinstance(f, AutoField)]
    columns, marks = ", ".join(map(_column, fields)), ", ".join(["%s"] * len(fields))
    end = what.format(marks=marks, key=_column(model._meta.pk))
    return f"INSERT INTO {_table(model)} ({columns}) {end}", _reader(fields)


@cache
def _updating(model: type[Model], names: tuple[str, ...]) -> tuple[str, Values]:
    fields = [cast(AnyField, model._meta.get_field(name)) for name in names]
    changes = ", ".join(f"{_column(field)} = %s" for field in fields)
    sql = f"UPDATE {_table(model)} SET {changes} WHERE {_column(model._meta.pk)} = %s"  # noqa: S608
    return sql, _reader(fields)


def _reader(fields: Sequence[AnyField]) -> Values:
    """Values as they are: the driver knows texts, numbers, times and UUIDs, and no others."""
    odd = [field.name for field in fields if isinstance(field, JSONField | BinaryField)]
    if odd or len(fields) < 2:
        raise TypeError(f"not for these fields: {odd or fields}")
    return attrgetter(*[field.attname for field in fields])


def _table(model: type[Model]) -> str:
    return str(connection.ops.quote_name(model._meta.db_table))


def _column(field: AnyField) -> str:
    return str(connection.ops.quote_name(field.column))
