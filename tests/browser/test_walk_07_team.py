"""Walk 7: a team: invited by mail, given another role, taken off; and who never gets in."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.people import Person, follow_mail, mailed_code, sign_in
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

TEAM = "/m/asha-tea/team"
BHAVNA = Person("bhavna@example.com", "monsoon over the ghats")


def test_invited_demoted_and_removed(signed_in: SignIn, walk: Open, cast: Cast) -> None:
    asha, bhavna = signed_in(cast.asha), walk()
    payment = f"/m/asha-tea/test/payments/{cast.ids['asha']['payment'][0]}"
    invite(asha)
    join(bhavna)
    bhavna.open(payment)
    expect(bhavna.control("Refund…")).to_be_visible()
    change_role(asha, "Bhavna", "Viewer")
    asha.shows("Bhavna has the new role.")
    bhavna.open(payment)
    bhavna.heading("Sign in")
    sign_in(bhavna, BHAVNA)
    bhavna.open(payment)
    expect(bhavna.control("Refund…")).to_have_count(0)
    bhavna.open(f"{payment}/refunds/new", status=403)
    remove(asha, "Bhavna")
    bhavna.open(payment)
    sign_in(bhavna, BHAVNA)
    bhavna.open(payment, status=404)


def invite(asha: Walker) -> None:
    asha.open(TEAM)
    asha.press("Invite someone")
    asha.fill({"E-mail": "vikram@example.com", "Role": "finance"})
    asha.press("Send the invitation", status=422)
    asha.shows("This person is on the team already.")
    asha.fill({"E-mail": BHAVNA.email})
    asha.press("Send the invitation")
    asha.shows(f"We mailed an invitation to {BHAVNA.email}.")


def join(bhavna: Walker) -> None:
    follow_mail(bhavna, BHAVNA.email, "invites you to Asha Tea House")
    bhavna.heading("Join Asha Tea House")
    bhavna.press("Create an account")
    bhavna.fill({"Your name": "Bhavna", "Email": BHAVNA.email, "Password": BHAVNA.password})
    bhavna.press("Create account")
    code = mailed_code(bhavna, BHAVNA.email, "Your code for")
    bhavna.open("/accounts/confirm-email/")
    bhavna.fill({"Code": code})
    bhavna.press("Confirm")
    bhavna.press("Join the team")
    bhavna.heading("Asha Tea House")


def row_of(asha: Walker, name: str) -> Locator:
    return asha.main.locator(".people li", has_text=name)


def change_role(asha: Walker, name: str, role: str) -> None:
    asha.open(TEAM)
    row = row_of(asha, name)
    row.get_by_text("Role…").click()
    asha.look()
    row.get_by_label("Role").select_option(role)
    asha.press(row.get_by_role("button", name="Change the role"))


def remove(asha: Walker, name: str) -> None:
    asha.open(TEAM)
    row = row_of(asha, name)
    row.get_by_text("Remove…").click()
    asha.look()
    asha.press(row.get_by_role("button", name=f"Remove {name}"))
    asha.shows(f"{name} is off the team.")


def test_the_last_owner_stays(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha)
    asha.open(TEAM)
    expect(row_of(asha, "Vikram").get_by_text("Remove…")).to_be_visible()
    own = row_of(asha, "(you)")
    expect(own).to_contain_text("Owner")
    for act in ("Role…", "Remove…"):
        expect(own.get_by_text(act)).to_have_count(0)


def test_another_merchants_owner_finds_nothing(signed_in: SignIn, cast: Cast) -> None:
    meera = signed_in(cast.meera)
    for page in ("test/", "test/payments", "team", "settings", "live/"):
        meera.open(f"/m/asha-tea/{page}", status=404)
    meera.open("/platform/", status=404)
