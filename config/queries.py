"""Query strings of addresses that lead on from where one is."""

from urllib.parse import urlencode

from django.http import QueryDict


def changed(query: QueryDict, **said: str) -> str:
    """The query with these names said anew, at its end; "" leaves a name out."""
    kept = [(name, value) for name, values in query.lists() if name not in said for value in values]
    return urlencode([*kept, *((name, value) for name, value in said.items() if value)])
