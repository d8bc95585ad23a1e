"""Prove the books of every merchant, or of those named: accounts, payments and roll-ups.

Prints a line for each merchant and world with its balances, and each breach of a law. Exits with
1 if there is any. Reads one snapshot for each merchant and changes nothing.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_tenants.utils import tenant_context

from payments import proving
from payments.money import format_inr
from tenants.models import Tenant


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="*", help="merchants; all of them when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = Tenant.objects.exclude(state=Tenant.State.READY).order_by("slug")
        if options["slug"]:
            tenants = tenants.filter(slug__in=options["slug"])
            if missing := {*options["slug"]} - {*tenants.values_list("slug", flat=True)}:
                raise CommandError(f"no merchant is called {', '.join(sorted(missing))}")
        broken = sum(self.prove(tenant) for tenant in tenants.iterator())
        if broken:
            raise CommandError(f"{broken} breaches; the books do not add up")

    def prove(self, tenant: Tenant) -> int:
        """Tell of one merchant; returns how many breaches there were."""
        with tenant_context(tenant):
            for live in (False, True):
                accounts = proving.balances(live)
                told = "  ".join(f"{name} {format_inr(paise)}" for name, paise in accounts.items())
                world = "live" if live else "test"
                self.stdout.write(f"{tenant.slug} {world}: {told or 'no transfers'}")
            found = [*proving.breaches()]
        for breach in found:
            self.stderr.write(f"{tenant.slug}: {breach}")
        return len(found)
