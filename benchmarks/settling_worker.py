"""`python -m benchmarks.settling_worker TENANT`: settles stored answers, as a worker would.

It hears a line of numbers, reads those payments and says `done`; it hears `go`, settles them all
and says `done` and the seconds. As many threads settle at a time as a worker has.
"""

import json
import os
import queue
import sys
import threading
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from payments.models import Payment  # noqa: E402
from payments.paytm import OrderStatus, reading  # noqa: E402
from payments.settling import settle  # noqa: E402
from tenants.models import Tenant  # noqa: E402

Work = queue.SimpleQueue[tuple[Payment, str]]


class Settler:
    """One thread of a worker, inside one tenant, with a database connection that it keeps."""

    def __init__(self, tenant: Tenant, work: Work) -> None:
        self.tenant, self.work, self.done = tenant, work, threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with tenant_context(self.tenant):
            while self.go.acquire():
                self._settle_some()
                self.done.release()

    def _settle_some(self) -> None:
        while True:
            try:
                payment, text = self.work.get_nowait()
            except queue.Empty:
                return
            settle(payment, read(payment, text))


def main(tenant_id: str) -> None:
    tenant, work = Tenant.objects.get(pk=tenant_id), Work()
    settlers = [Settler(tenant, work) for _ in range(settings.WORKER_THREADS)]
    for line in sys.stdin:
        with tenant_context(tenant):
            for payment in payments(json.loads(line)):
                work.put((payment, answer_to(payment)))
        print("done", 0, flush=True)
        sys.stdin.readline()
        began = time.monotonic()
        for settler in settlers:
            settler.go.release()
        for settler in settlers:
            settler.done.acquire()
        print("done", time.monotonic() - began, flush=True)


def payments(numbers: list[int]) -> list[Payment]:
    """The payments of these numbers, as whoever asks Paytm has them."""
    order_ids = [f"pay_{number:020}" for number in numbers]
    return list(Payment.objects.select_related("account").filter(order_id__in=order_ids))


def answer_to(payment: Payment) -> str:
    """The body of Paytm's answer about this order: it was paid (Paytm: Transaction Status)."""
    number = payment.order_id.removeprefix("pay_")
    return json.dumps(
        {
            "resultInfo": {
                "resultStatus": "TXN_SUCCESS",
                "resultCode": "01",
                "resultMsg": "Txn Success",
            },
            "txnId": f"20261126111212800110{number[-15:]}",
            "bankTxnId": number[-12:],
            "orderId": payment.order_id,
            "txnAmount": "500.00",
            "txnType": "SALE",
            "gatewayName": "HDFC",
            "bankName": "HDFC Bank",
            "mid": payment.account.mid,
            "paymentMode": "CC",
            "refundAmt": "0.0",
            "txnDate": "2026-11-26 11:52:07.0",
        }
    )


def read(payment: Payment, text: str) -> OrderStatus:
    """The stored answer as the client of Paytm reads one."""
    answer = reading.Answer(json.loads(text), text, signed=True)
    return reading.order_status(answer, mid=payment.account.mid, order_id=payment.order_id)


if __name__ == "__main__":
    main(sys.argv[1])
