import time, pytest
from django.db import transaction, connection
from tenants.jobs import *
from tenants.jobs import run_due
from tenants.models import Tenant, Job
from tests.tenants.job_handlers import exactly_once
from tests.tenants.test_worker import worker, until, own_clock
pytestmark=pytest.mark.usefixtures("committed")
@job(lane=BULK)
def noop(n: int) -> None: ...
def test_b(own_clock):
    ts=list(Tenant.objects.all()[:3])
    for size in (3000, 30000):
        t=time.perf_counter()
        with transaction.atomic():
            for i in range(size): noop.enqueue(ts[i%3].pk, n=i)
        e=time.perf_counter()-t
        t=time.perf_counter(); n=run_due(1500); d=time.perf_counter()-t
        print("ENQ", size, size/e, "RUN1", n/d)
        with connection.cursor() as c: c.execute("TRUNCATE job")
    with transaction.atomic():
        for i in range(3000): exactly_once.enqueue(ts[i%3].pk, note=str(i))
    t=time.perf_counter()
    with worker(own_clock, threads=4):
        until(lambda: not Job.objects.exists(), "x")
        print("W4", 3000/(time.perf_counter()-t))
    assert 0
