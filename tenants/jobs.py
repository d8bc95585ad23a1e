"""Work for later, written in the transaction that makes it necessary.

    @job(lane=MONEY)
    def ask_status(payment_id: str) -> Later | None: ...

    ask_status.enqueue(tenant.id, payment_id=str(payment.id), at=in_15_seconds)

A handler runs in a worker, inside its tenant, at least once: it must be safe to repeat and
far shorter than `job_queue.LEASE_SECONDS`, or say `still_at_it()` now and then. With
`atomic=True` its effect and its end are one transaction, so it happens exactly once. Modules with
handlers are listed in JOB_MODULES.
"""

import inspect
import logging
import random
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django_tenants.utils import get_public_schema_name, schema_context, tenant_context

from config import clock, metrics
from config.logs import describe, tenant_key
from tenants import job_queue, provisioning, schema
from tenants.job_queue import Claimed
from tenants.models import Tenant

logger = logging.getLogger(__name__)

MONEY: Final = 0
MAIL: Final = 1
BULK: Final = 2
HOOKS: Final = 3  # what waits for merchants' own systems; threads of its own, see tenants.worker
OUR_LANES: Final = (MONEY, MAIL, BULK)
ALL_LANES: Final = (*OUR_LANES, HOOKS)

NO_TENANT: Final = uuid.UUID(int=0)  # work of the platform itself, run in schema public

ATTEMPTS: Final = 12
UNTIL_MIGRATED: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = 3600


@dataclass(frozen=True, slots=True)
class Later:
    """Answer of a handler that is not done: run me again at `at`, with fresh attempts."""

    at: datetime


class LeaseLost(Exception):
    """The job ran longer than its lease and is somebody else's now. Nothing was kept."""


class NoSuchTenant(LookupError):
    """The job's tenant is gone."""


class UnknownKind(LookupError):
    """No handler has this name here; a newer worker may have it."""


class WorkerDied(RuntimeError):
    """Every attempt ended with its worker, before it could say how."""


class WrongSchema(RuntimeError):
    """A handler began or ended outside the schema of its tenant."""


Function = Callable[..., Later | None]


@dataclass(slots=True)
class Held:
    """The job that this thread is at, and until when it need not renew its lease."""

    job: Claimed
    good_until: float


RENEW_AFTER: Final = job_queue.LEASE_SECONDS / 6
_held: ContextVar[Held | None] = ContextVar("held", default=None)
HANDLERS: Final[dict[str, "Handler"]] = {}


class Handler:
    """A function that workers run. Calling it runs it here and now."""

    def __init__(self, function: Function, lane: int, attempts: int, atomic: bool) -> None:
        self.function, self.lane, self.attempts, self.atomic = function, lane, attempts, atomic
        self.kind = f"{function.__module__}.{function.__name__}"
        self.signature = inspect.signature(function)
        HANDLERS[self.kind] = self

    def __call__(self, **args: Any) -> Later | None:
        return self.function(**args)

    def enqueue(
        self,
        tenant_id: uuid.UUID,
        *,
        at: datetime | None = None,
        key: str | None = None,
        **args: Any,
    ) -> None:
        """Write the job into the current transaction; a rollback leaves none.

        `args` are the handler's keyword arguments, plain JSON. `at` is business time; absent
        or past means at once. Of jobs with the same `key` that have not started yet there is
        one, with the earlier of their times. Raises ValueError inside another tenant, and
        TypeError for arguments that the handler does not take or JSON cannot hold.
        """
        refuse_foreign_tenant(tenant_id)
        self.signature.bind(**args)
        now = clock.now()
        job_queue.insert(
            lane=self.lane,
            kind=self.kind,
            tenant_id=tenant_id,
            args=args,
            key=key,
            run_at=at or now,
            now=now,
        )


def job(
    *, lane: int = MONEY, attempts: int = ATTEMPTS, atomic: bool = False
) -> Callable[[Function], Handler]:
    """Make a function a job handler, known by its module and name.

    `atomic=False` handlers are called with no transaction open, so they may use the network.
    After `attempts` failures the job goes to the dead letters.
    """

    def register(function: Function) -> Handler:
        return Handler(function, lane, attempts, atomic)

    return register


@dataclass(frozen=True, slots=True)
class Periodic:
    """A handler without arguments that is enqueued once per period of business time."""

    handler: Handler
    every: int  # seconds


PERIODICS: Final[list[Periodic]] = []


def periodic(*, every: int, lane: int = BULK) -> Callable[[Function], Handler]:
    """Run a function of the whole platform, in schema public, once every so many seconds."""

    def register(function: Function) -> Handler:
        handler = Handler(function, lane, ATTEMPTS, atomic=False)
        PERIODICS.append(Periodic(handler, every))
        return handler

    return register


def load_handlers() -> None:
    """Import every module that holds handlers."""
    for name in settings.JOB_MODULES:
        import_module(name)


def enqueue_periodics(written: dict[str, int]) -> None:
    """Write the jobs whose period has begun; each once, however many workers do this.

    `written` remembers this worker's last periods, so that most calls ask nobody.
    """
    for each in PERIODICS:
        kind, tick = each.handler.kind, int(clock.now().timestamp()) // each.every
        if written.get(kind) != tick:
            with transaction.atomic():
                if job_queue.take_tick(kind, tick):
                    each.handler.enqueue(NO_TENANT, key=kind)
            written[kind] = tick


def run_due(limit: int = 1000) -> int:
    """Run what is due in this thread, in schema public at first, as a worker would.

    Returns how many jobs ran. For tests and scripts: the code path is the worker's own.
    """
    served: dict[int, uuid.UUID] = {}
    with schema_context(get_public_schema_name()):
        while job_queue.promote(clock.now()):
            pass
        for ran in range(limit):
            claimed = job_queue.claim(ALL_LANES, served)
            if claimed is None:
                return ran
            execute(claimed)
    return limit


def still_at_it() -> None:
    """Renew the lease of the job that we are in, if it is time: for handlers that take long.

    Cheap enough for every step. Outside a job it does nothing. Raises LeaseLost when somebody else
    has the job by now: then leave off at once.
    """
    held = _held.get()
    if held is None or time.monotonic() < held.good_until:
        return
    if not job_queue.extend(held.job):
        raise LeaseLost
    held.good_until = time.monotonic() + RENEW_AFTER


def execute(job: Claimed) -> None:
    """Bring a claimed job to one of its ends: done, later, retry, dead, or lost to another.

    Raises django.db.Error only when the end itself cannot be written; the lease then runs out.
    """
    tenant_token = tenant_key.set("")
    held_token = _held.set(Held(job, time.monotonic() + RENEW_AFTER))
    try:
        outcome = _attempt(job)
    except LeaseLost:
        logger.warning("job lost its lease", extra=_ids(job))
        outcome = "lost"
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is its job's failure
        outcome = _fail(job, error)
    finally:
        schema.leave()
        _held.reset(held_token)
        tenant_key.reset(tenant_token)
    metrics.jobs.labels(job.kind, outcome).inc()


def _attempt(job: Claimed) -> str:
    handler = HANDLERS.get(job.kind)
    if handler is None:
        raise UnknownKind(job.kind)
    if job.attempts > handler.attempts:
        raise WorkerDied(f"at each of {handler.attempts} attempts")
    if job.tenant_id == NO_TENANT:
        return _call(handler, job, get_public_schema_name())
    tenant = Tenant.objects.filter(id=job.tenant_id).first()
    if tenant is None:
        raise NoSuchTenant(str(job.tenant_id))
    tenant_key.set(tenant.key)
    if tenant.schema_version != provisioning.schema_version():
        return _end(job, Later(clock.now() + UNTIL_MIGRATED))
    with tenant_context(tenant):
        return _call(handler, job, tenant.schema_name)


def _call(handler: Handler, job: Claimed, home: str) -> str:
    if handler.atomic:
        with transaction.atomic(durable=True):
            return _end(job, _answer(handler, job, home))
    refuse_open_transaction()
    return _end(job, _answer(handler, job, home))


def _answer(handler: Handler, job: Claimed, home: str) -> Later | None:
    """Call the handler; it must begin and end in the schema of its tenant."""
    _must_be_in(home)
    answer = handler.function(**job.args)
    _must_be_in(home)
    return answer


def _must_be_in(home: str) -> None:
    if schema.name() != home:
        raise WrongSchema(f"{schema.name()} instead of {home}")


def _end(job: Claimed, answer: Later | None) -> str:
    if answer is None:
        kept, outcome = job_queue.finish(job), "done"
    else:
        kept, outcome = job_queue.postpone(job, answer.at, attempts=0), "later"
    if not kept:
        raise LeaseLost
    return outcome


def _fail(job: Claimed, error: Exception) -> str:
    """Write down a failure: another attempt after a wait, or the dead letters."""
    if not connection.in_atomic_block:  # else a test's own, which must stay
        connection.close_if_unusable_or_obsolete()
    handler = HANDLERS.get(job.kind)
    hopeless = isinstance(error, NoSuchTenant | WorkerDied)
    if hopeless or job.attempts >= (handler.attempts if handler else ATTEMPTS):
        logger.error("job died", extra=_ids(job), exc_info=error)
        metrics.jobs_dead.labels(job.kind).inc()
        return "dead" if job_queue.bury(job, describe(error), clock.now()) else "lost"
    logger.warning("job failed", extra=_ids(job), exc_info=error)
    at = clock.now() + wait_after(job.attempts)
    kept = job_queue.postpone(job, at, attempts=job.attempts, error=describe(error))
    return "retry" if kept else "lost"


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many failures: 2, 4, 8 seconds… to an hour, a little less each."""
    longest = min(2**attempts, LONGEST_WAIT)
    return timedelta(seconds=longest * random.uniform(0.75, 1))  # noqa: S311


def _ids(job: Claimed) -> dict[str, object]:
    """What the logs may know of a job. Its arguments are not among it."""
    return {"kind": job.kind, "job_id": job.id, "attempts": job.attempts}


def refuse_open_transaction() -> None:
    """Raise RuntimeError inside a transaction (a test's own does not count)."""
    with transaction.atomic(durable=True):
        pass


def refuse_foreign_tenant(tenant_id: uuid.UUID) -> None:
    """Raise ValueError when we are inside a tenant and it is another one."""
    if schema.is_public():
        return
    current = schema.tenant()
    if current is None or current.id != tenant_id:
        raise ValueError(f"a job for tenant {tenant_id} was enqueued inside {schema.name()}")
