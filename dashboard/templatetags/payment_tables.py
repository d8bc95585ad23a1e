"""Payments as a table, where a page has rows of them beside other things."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from dashboard.payment_rows import USUAL, addresses, plain, table

register = template.Library()


@register.simple_tag(takes_context=True)
def payment_table(context: template.Context, rows: Any, of_link: bool = False) -> SafeString:
    """Rows of `dashboard.payment_rows.with_arrived`, each leading to its page."""
    request = context["request"]
    columns = ("when", "state") if of_link else USUAL
    address = addresses(request.tenant.slug, request.live)
    return table(plain(rows, columns), columns, address, of_link=bool(of_link))
