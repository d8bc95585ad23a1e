"""Statements that a connection has prepared, so that the server need not plan them again.

A prepared statement is planned again whenever the search path has changed, which costs more than
it saves; so each schema has its own. What a connection holds is bounded: a statement is prepared
at its third use in a schema, and the one longest unused gives way.
"""

import itertools
import re
from collections import OrderedDict

USES = 3
MOST = 200


class Prepared:
    """What one connection has prepared. Its driver speaks the simple protocol: in SQL."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._names: dict[tuple[str, str], str] = {}
        self._numbers = itertools.count()
        self._in_doubt = False

    def text(self, schema: str, sql: str) -> str:
        """What to send instead of `sql`, in which every `%` belongs to a `%s`."""
        key, begin = (schema, sql), self._clear_doubt()
        self._known[key] = self._known.get(key, 0) + 1
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            begin += self._drop_oldest()
        if self._known[key] < USES:
            return begin + sql
        count = sql.count("%s")
        if key not in self._names:
            self._names[key] = f"kept_{next(self._numbers)}"
            places = iter(range(1, count + 1))
            numbered = re.sub("%s", lambda _: f"${next(places)}", sql)
            begin += f"PREPARE {self._names[key]} AS {numbered};"
        values = f"({', '.join(['%s'] * count)})" if count else ""
        return f"{begin}EXECUTE {self._names[key]}{values}"

    def doubt(self) -> None:
        """Something sent has failed: who knows what of it was prepared."""
        self._known.clear()
        self._names.clear()
        self._in_doubt = True

    def _clear_doubt(self) -> str:
        was_in_doubt, self._in_doubt = self._in_doubt, False
        return "DEALLOCATE ALL;" if was_in_doubt else ""

    def _drop_oldest(self) -> str:
        key, _ = self._known.popitem(last=False)
        name = self._names.pop(key, "")
        return f"DEALLOCATE {name};" if name else ""
