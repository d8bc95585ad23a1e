"""Give a demo a busy merchant: a year of invented payments, refunds and payouts, in minutes.

    python manage.py seed 1000000

The merchant is Big Bazaar, owned by the demo's owner, and in the test world alone.
"""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_tenants.utils import tenant_context

from config.clock import now
from merchants import connecting
from merchants.models import PaytmAccount
from payments import inventing
from tenants import demo, provisioning
from tenants.models import Tenant, User

SLUG = "big-bazaar"


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("payments", type=int, nargs="?", default=100_000)
        parser.add_argument("--owner", default=demo.OWNER, help="the e-mail address of a person")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.MODE != "demo":
            raise CommandError("Invented payments belong in demo mode alone.")
        owner = User.objects.filter(email=options["owner"]).first()
        if owner is None:
            raise CommandError("Nobody has this address. Start the demo once before.")
        began = time.monotonic()
        try:
            self.fill(owner, options["payments"])
        except inventing.NotEmpty as error:
            raise CommandError(f"{SLUG} is there already and has payments.") from error
        took = time.monotonic() - began
        self.stdout.write(f"/m/{SLUG}/test/ has {options['payments']} payments, in {took:.0f} s")

    def fill(self, owner: User, payments: int) -> None:
        tenant = Tenant.objects.filter(slug=SLUG).first() or provisioning.claim(
            slug=SLUG, name="Big Bazaar", owner=owner, time_zone="Asia/Kolkata"
        )
        with tenant_context(tenant):
            if connecting.current_account(live=False) is None:
                # Keys of nowhere: nobody can pay here, and nothing asks about what is invented.
                connecting.store(
                    environment=PaytmAccount.Environment.STAGING,
                    mid="BIGBAZAAR00000000001",
                    key="invented-key-000",
                    website="WEBSTAGING",
                    by=owner,
                )
            inventing.invent(payments, until=now())
