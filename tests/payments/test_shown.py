"""Pay pages from memory, among rows that are committed: within one transaction whatever is written
counts as new all along."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from merchants.models import Profile
from payments import page_memory
from payments.models import Link
from tenants import tallies
from tenants.models import Tenant
from tests import make
from tests.conftest import browser


@pytest.mark.parametrize("max_payments", [None, 3])
def test_a_page_is_made_anew_when_its_own_link_was_changed_and_not_otherwise(
    open_acme: Tenant, monkeypatch: pytest.MonkeyPatch, max_payments: int | None
) -> None:
    changed, other = (make.link(max_payments=max_payments) for _ in range(2))
    client = browser()
    monkeypatch.setattr(page_memory, "TRUE_FOR", -1.0)
    monkeypatch.setattr(tallies, "_due", float("inf"))

    def queries_of(link: Link, amount: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert f"Pay {amount}" in client.get(f"/p/{link.token}").content.decode()
        return len(queries)

    assert queries_of(changed, "₹500.00") > 1
    assert queries_of(other, "₹500.00") > 1
    assert queries_of(changed, "₹500.00") == 1
    Link.objects.filter(pk=changed.pk).update(amount_paise=700_00)
    assert queries_of(other, "₹500.00") == 1
    assert queries_of(changed, "₹700.00") > 1
    assert queries_of(changed, "₹700.00") == 1
    make.payment(changed, slot=1)
    assert (queries_of(changed, "₹700.00") == 1) == (max_payments is None)
    Profile.objects.update(legal_name="Acme Ltd")
    assert queries_of(other, "₹500.00") > 1


def test_a_page_that_is_made_while_it_is_asked_about_others_is_asked_about_next(
    open_acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may show what the answer was before; and of its places nothing was asked."""
    first, other = (make.link(max_payments=1) for _ in range(2))
    ask, client = page_memory._facts, browser()
    client.get(f"/p/{first.token}")

    def slowly(*asked: Any) -> Any:
        facts = ask(*asked)
        monkeypatch.setattr(page_memory, "_facts", ask)
        browser().get(f"/p/{other.token}")  # another thread's, made and remembered meanwhile
        return facts

    monkeypatch.setattr(page_memory, "TRUE_FOR", -1.0)
    monkeypatch.setattr(page_memory, "_facts", slowly)
    client.get(f"/p/{first.token}")
    make.payment(other, slot=1)
    assert client.get(f"/p/{other.token}").status_code == 410
