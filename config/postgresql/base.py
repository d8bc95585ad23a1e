"""A connection in steady use is not asked whether it lives before every request.

Django's health check is a round trip of its own. Here it is made only of a connection that has
rested, or on whose socket something has happened, as when the server hung up.
"""

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from config.postgresql.prepared import Prepared

RESTED = 5.0  # seconds after which a connection is asked in earnest: a firewall may have dropped it


class DatabaseWrapper(base.DatabaseWrapper):
    last_look = 0.0
    prepared = Prepared()  # of no connection yet

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.prepared = Prepared()
        return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        rested = time.monotonic() - self.last_look > RESTED
        self.last_look = time.monotonic()
        if self.connection is None or self.errors_occurred or rested or self._is_odd():
            return bool(super().is_usable())
        return not self.connection.closed

    def _is_odd(self) -> bool:
        """Whether a transaction is open, or the server said something unasked: most likely
        farewell."""
        if self.connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            return True
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))
