"""`python -m tests.faults.ready`: the schemas, and all that a small campaign's merchants claim.

One process makes the first by migrations and the others by what it has heard. Were some wanting,
the worker would make them, anew each time it is killed, in many threads when the clock jumps.
"""

import django

django.setup()

from tenants import provisioning  # noqa: E402
from tests.faults.plan import FEWEST_TENANTS  # noqa: E402

if __name__ == "__main__":
    provisioning.prepare()
    provisioning.keep_ready(FEWEST_TENANTS + provisioning.READY_AHEAD)
