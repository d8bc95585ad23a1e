"""`python -m tests.faults.buggy_worker`: a worker with the bug that the environment names."""

import os

import django
from django.core.management import call_command

from tests.faults.bugs import BUGS

if __name__ == "__main__":
    django.setup()
    from tenants.jobs import load_handlers

    load_handlers()
    BUGS[os.environ["BUG"]].apply()
    call_command("work")
