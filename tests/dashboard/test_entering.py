"""Who is let in is asked anew by every request, and what is drawn once shows nobody else's."""

from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client

from tenants.models import Membership, Tenant, User
from tests.conftest import SignIn
from tests.dashboard.conftest import Url


def leave_the_team() -> None:
    Membership.objects.filter(user__name="Alice").delete()


def become_a_viewer() -> None:
    Membership.objects.filter(user__name="Alice").update(role="viewer")


def be_suspended() -> None:
    Tenant.objects.filter(slug="acme").update(state=Tenant.State.SUSPENDED)


def be_locked_out() -> None:
    User.objects.filter(name="Alice").update(is_active=False)


def sign_out_everywhere() -> None:
    User.objects.filter(name="Alice").update(session_epoch=F("session_epoch") + 1)


def lose_the_session() -> None:
    Session.objects.all().delete()


@pytest.mark.parametrize(
    ("happens", "status"),
    [
        (leave_the_team, 404),
        (become_a_viewer, 403),
        (be_suspended, 403),
        (be_locked_out, 302),
        (sign_out_everywhere, 302),
        (lose_the_session, 302),
    ],
)
def test_what_is_taken_away_is_gone_at_the_next_request(
    at_acme: Client, url: Url, happens: Callable[[], None], status: int
) -> None:
    for _ in range(4):  # by then the statements that ask are prepared
        assert at_acme.get(url("exports")).status_code == 200
    happens()
    assert at_acme.get(url("exports")).status_code == status


def test_menus_show_each_person_their_own(
    at_acme: Client, globex: Tenant, charlie: User, sign_in: SignIn, url: Url
) -> None:
    Tenant.objects.filter(slug="globex").update(name="100 % <b> %(email)s --hole-email--")
    at_globex = sign_in(charlie)
    for _ in range(2):
        acmes = at_acme.get(url("payments")).content.decode()
        globexes = at_globex.get(url("payments", slug="globex")).content.decode()
        assert "/m/acme/test/links" in acmes
        assert "alice@example.com" in acmes
        assert not any(foreign in acmes for foreign in ("globex", "charlie", "100 %"))
        assert "/m/globex/test/links" in globexes
        assert "charlie@example.com" in globexes
        assert "100 % &lt;b&gt; %(email)s --hole-email--" in globexes
        assert not any(foreign in globexes.lower() for foreign in ("acme", "alice"))


def test_each_showing_has_a_form_key_of_its_own(at_acme: Client, url: Url) -> None:
    pages = [at_acme.get(url("payments")) for _ in range(2)]
    keys = [str(page.context["csrf_token"]) for page in pages]
    assert keys[0] != keys[1]
    for page, key in zip(pages, keys, strict=True):
        assert page.content.decode().count(f'name="csrfmiddlewaretoken" value="{key}"') == 3
