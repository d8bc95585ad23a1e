"""Many at once: threads that each have their own connection, inside one tenant."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection
from django_tenants.utils import tenant_context

from tenants.models import Tenant

T = TypeVar("T")


def at_once(tenant: Tenant, acts: Sequence[Callable[[], T]]) -> list[T]:
    """Do all acts at the same moment, each in a thread; raises what an act raises."""
    barrier = Barrier(len(acts))

    def one(act: Callable[[], T]) -> T:
        try:
            with tenant_context(tenant):
                barrier.wait(30)
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))
