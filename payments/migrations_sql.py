"""Triggers as migrations write them: each a single statement with its reverse."""

from django.db import migrations

EVERY = "UPDATE OR DELETE"


def guard(name: str, table: str, event: str, function: str, *args: str) -> migrations.RunSQL:
    words = ", ".join(f"'{arg}'" for arg in args)
    return migrations.RunSQL(
        [
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {function}({words})"
        ],
        [f"DROP TRIGGER {name} ON {table}"],
    )


def kept(table: str) -> migrations.RunSQL:
    """Refuse to empty the table: row triggers do not fire on TRUNCATE."""
    return migrations.RunSQL(
        [
            f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        ],
        [f"DROP TRIGGER {table}_kept ON {table}"],
    )
