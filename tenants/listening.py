"""Hearing what SQL is run, so that it can be run again elsewhere."""

import re
from contextlib import ExitStack
from typing import Any, Self

# What asks, or only moves this connection about, is nothing to repeat; a schema is made once.
NOT_REPEATED = re.compile(
    r"\s*(SELECT|SET(?! CONSTRAINTS)|SHOW|SAVEPOINT|RELEASE|ROLLBACK|CREATE SCHEMA)\b",
    re.IGNORECASE,
)


class Listener(ExitStack):
    """Hears every statement run over this connection inside the block that makes something."""

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._connection, self._heard = connection, list[str]()

    def __enter__(self) -> Self:
        self.enter_context(self._connection.execute_wrapper(self._hear))
        return self

    def script(self) -> str:
        """What was heard, to be sent as it is. It names no schema: it works in the current one."""
        return ";\n".join(self._heard)

    def _hear(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if many:
            raise NotImplementedError("executemany is not heard")
        answer = execute(sql, params, many, context)
        if not NOT_REPEATED.match(str(sql)):
            said = context["cursor"].cursor.mogrify(sql, params)
            self._heard.append(said.decode().rstrip().rstrip(";"))
        return answer
