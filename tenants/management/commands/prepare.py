"""Bring the database up to date: schema public, every tenant, and ready schemas."""

from typing import Any

from django.core.management.base import BaseCommand

from tenants import provisioning


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        moved = provisioning.prepare()
        provisioning.keep_ready()
        self.stdout.write(f"{moved} merchants migrated, schemas are ready")
