"""Sessions as Django keeps them, in rows; only read without the ORM, for every request does."""

from typing import Any, Final

from django.contrib.sessions.backends import db

from config import rows

_READ: Final = (
    "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > now()"
)


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, Any]:
        """What the session holds now; nothing, under no key, when it has ended."""
        found = rows.ask(_READ, [self.session_key])
        if found is None:
            self._session_key = None
            return {}
        held: dict[str, Any] = self.decode(found[0])
        return held
