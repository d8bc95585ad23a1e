"""A real worker that knows the handlers of the tests, and of the product's those that make links
out of files: `python -m tests.tenants.worker_process`.

Its one argument is the time between two looks at the queue, so that a test can tell a wake-up
by NOTIFY from a poll.
"""

import os
import sys

import django
from django.conf import settings
from django.core.management import call_command

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    settings.JOB_MODULES = ["tests.tenants.job_handlers", "payments.batching"]
    from tenants import worker

    worker.TURN_SECONDS = float(sys.argv[1])  # type: ignore[misc]
    call_command("work")
