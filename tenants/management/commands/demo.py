"""Fill a demo with people, a merchant and payments, and write DATA_DIR/demo.json."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tenants import demo


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.MODE != "demo":
            raise CommandError("Demo data belongs in demo mode alone.")
        text = json.dumps(demo.seed(), indent=2)
        path = settings.DATA_DIR / "demo.json"
        unfinished = path.with_suffix(".new")
        unfinished.write_text(text)
        unfinished.chmod(0o600)
        unfinished.replace(path)
        self.stdout.write(f"wrote {path}")
