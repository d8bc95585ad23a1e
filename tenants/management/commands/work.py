"""`manage.py work`: run a worker until SIGTERM or Ctrl-C."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tenants.checks import stop_if_unsafe
from tenants.jobs import load_handlers
from tenants.worker import Worker


class Command(BaseCommand):
    help = "Run jobs until SIGTERM; those under way are finished."
    requires_system_checks = []  # its own come first, in clearer words

    def handle(self, *args: Any, **options: Any) -> None:
        stop_if_unsafe()
        load_handlers()
        worker = Worker(settings.WORKER_THREADS, settings.WEBHOOK_THREADS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        if not worker.run():
            raise CommandError("the worker did not end well; its log says why")
