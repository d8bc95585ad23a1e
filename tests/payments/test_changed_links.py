"""A page of a link that is remembered, once somebody changed the link.

Committed, as such changes are: which links changed is asked of transactions, and what one of them
sees of itself says nothing about others.
"""

from typing import Any

import pytest

from config.clock import now
from payments import page_memory
from payments.models import Link
from tenants.models import Tenant
from tests import make
from tests.conftest import browser
from tests.payments.test_what_links_ask import without_key


@pytest.mark.parametrize(
    "change",
    [{"amount_paise": 700_00}, {"state": "disabled", "disabled_at": now()}],
    ids=["amount", "disabled"],
)
@pytest.mark.parametrize("asked", [0, 2])
def test_it_is_seen_a_second_later(
    open_acme: Tenant, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], asked: int
) -> None:
    """Also when the page was taken for true again meanwhile."""
    link, client = make.link(), browser()
    before = without_key(client.get(f"/p/{link.token}"))
    monkeypatch.setattr(page_memory, "TRUE_FOR", -1.0)  # the second is always over
    for _ in range(asked):
        assert without_key(client.get(f"/p/{link.token}")) == before
    Link.objects.update(**change)
    assert without_key(client.get(f"/p/{link.token}")) != before
    assert page_memory._held[open_acme.key].pages
