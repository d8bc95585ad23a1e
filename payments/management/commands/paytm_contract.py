"""Walk Paytm staging with real keys: which unconfirmed parts of its documents hold there?

The merchant key is read from PAYTM_KEY, or asked for. No database is used; every order is new.
"""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from getpass import getpass
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments.paytm import Credentials, host_for
from payments.paytm.contract import Finding, findings
from payments.paytm.fields import is_order_id
from payments.paytm.walk import CannotAsk, Walk

HOSTS = {
    "staging": host_for("staging"),
    "staging-legacy": host_for("staging", legacy=True),
    "simulator": settings.SIMULATOR_URL,
}
HEADINGS = ("Item", "Documents say", "Seen", "Verdict")
SHARES = (26, 27, 37, 10)  # of the width of the table
BY_HAND = """\
Pay this order by hand: open the address below in a browser and press its button.

  order  {order_id}
  {address}

Press Enter here once it is paid. To pay later and go on then: --order-id {order_id}
"""


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mid", required=True)
        parser.add_argument("--website", default="WEBSTAGING")
        parser.add_argument("--host", choices=HOSTS, default="staging")
        parser.add_argument("--order-id", default="", help="go on with an order paid by hand")
        parser.add_argument(
            "--no-input", dest="interactive", action="store_false", help="leave out paying by hand"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["order_id"] and not is_order_id(options["order_id"]):
            raise CommandError("--order-id is 1 to 50 of A-Z a-z 0-9 @ - _ .")
        with Walk(self.credentials(options), options["order_id"]) as walk:
            try:
                walk.begin()
                if options["interactive"] and not walk.paid_order:
                    self.have_paid(walk)
            except CannotAsk as reason:
                raise CommandError(str(reason)) from reason
            found = list(findings(walk))
        self.stdout.write(as_json(options, found) if options["json"] else as_table(found))

    def credentials(self, options: dict[str, Any]) -> Credentials:
        base_url = HOSTS[options["host"]]
        if not base_url:
            raise CommandError("SIMULATOR_URL is not set")
        try:
            key = merchant_key(options["interactive"])
            return Credentials(options["mid"], key, options["website"], base_url)
        except ValueError as problem:
            raise CommandError(f"{problem}.") from problem

    def have_paid(self, walk: Walk) -> None:
        """Show a payment page and wait for a person to pay; end of input goes on unpaid."""
        walk.paid_order, address = walk.payment_page()
        self.stderr.write(BY_HAND.format(order_id=walk.paid_order, address=address))
        sys.stdin.readline()


def merchant_key(interactive: bool) -> str:
    """Never an argument: those are seen by everybody on the machine."""
    key = os.environ.get("PAYTM_KEY", "")
    if key or not interactive:
        return key
    try:
        return getpass("Merchant key (not shown): ")
    except EOFError:
        return ""


def as_json(options: dict[str, Any], found: Sequence[Finding]) -> str:
    items = [finding.as_json() for finding in found]
    return json.dumps({"mid": options["mid"], "host": options["host"], "items": items}, indent=2)


def as_table(found: Sequence[Finding]) -> str:
    """Four columns, as wide as the terminal."""
    width = max(shutil.get_terminal_size((120, 24)).columns, 80) - 2 * len(SHARES)
    widths = [width * share // 100 for share in SHARES]
    rows = [HEADINGS, *map(cells, found)]
    lines = [line for row in rows for line in row_lines(row, widths)]
    counts = Counter(finding.verdict for finding in found)
    return "\n".join([*lines, ", ".join(f"{verdict}: {n}" for verdict, n in counts.items())])


def cells(finding: Finding) -> tuple[str, str, str, str]:
    seen = f"{finding.seen.code} {finding.seen.message}".strip()
    clean = "".join(letter if letter.isprintable() else " " for letter in seen)
    return finding.item.about, finding.item.documented, clean, finding.verdict


def row_lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    wrapped = [wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*wrapped, fillvalue=""):
        yield "  ".join(
            part.ljust(width) for part, width in zip(parts, widths, strict=True)
        ).rstrip()
    yield ""
