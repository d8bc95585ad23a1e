"""Walk 8: the platform's admin opens live mode, closes a merchant, and hears a payer out."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.people import Person, follow_mail, totp
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser


def test_a_day_at_the_platforms_desk(signed_in: SignIn, walk: Open, cast: Cast) -> None:
    meera, payer, admin = signed_in(cast.meera), walk(size=PHONE), walk()
    ask_for_live_mode(meera)
    report_page(payer)
    enter(admin, cast.admin)
    approve(admin)
    follow_mail(meera, cast.meera.email, "Meera Spices may take real payments")
    meera.open("/m/meera-spices/live/")
    meera.heading("Meera Spices")
    suspend(admin)
    payer.open_once(payer.stack.demo["pay_url"], status=410)
    payer.heading("No payments here now")
    closed_out(walk(), cast.asha)
    resume(admin)
    payer.open_once(payer.stack.demo["pay_url"], status=200)
    close_report(admin)


def ask_for_live_mode(meera: Walker) -> None:
    meera.open("/m/meera-spices/settings/live")
    expect(meera.control("Ask for live mode")).to_have_count(0)
    meera.press("Sign in with two steps")
    meera.press("Set up")
    secret = meera.field("Cannot scan? Type this key").input_value()
    meera.fill({"Authenticator code": totp(secret)})
    meera.press("Turn on")
    meera.heading("Recovery codes")
    meera.open("/m/meera-spices/settings/live")
    meera.press("Ask for live mode")
    meera.shows("Being looked at")


def report_page(payer: Walker) -> None:
    payer.open(payer.stack.demo["pay_url"])
    payer.press(payer.page.get_by_role("link", name="Report this page"))
    payer.fill({"What is wrong?": "wrong", "Tell us more": "My aunt's tea house has another name"})
    payer.press("Send the report")
    payer.heading("Thank you for telling us")


def enter(admin: Walker, person: Person) -> None:
    admin.open("/platform/")
    admin.heading("Sign in")
    admin.fill({"Email": person.email, "Password": person.password})
    admin.press("Sign in")
    admin.heading("Second step")
    admin.fill({"Code": "000000"})
    admin.press("Sign in")
    admin.shows("Incorrect code")
    admin.fill({"Code": totp(person.totp_secret)})
    admin.press("Sign in")
    admin.heading("Overview")


def approve(admin: Walker) -> None:
    admin.press(waiting(admin).get_by_role("link", name="Meera Spices"))
    deed(admin, "approve", "Papers and bank account seen")
    admin.press(platform(admin, "Overview"))
    expect(waiting(admin)).to_contain_text("Nobody is waiting")


def waiting(admin: Walker) -> Locator:
    return admin.main.locator("section", has_text="Waiting for live mode")


def suspend(admin: Walker) -> None:
    admin.press(platform(admin, "Merchants"))
    row = admin.main.locator("tr", has_text="Asha Tea House")
    expect(row.locator(".num").last).not_to_have_text("₹0.00")
    admin.press(row.get_by_role("link", name="Asha Tea House"))
    admin.shows("Asha Rao")
    deed(admin, "suspend", "A payer reports a stolen name")
    admin.shows("Suspended")


def resume(admin: Walker) -> None:
    deed(admin, "resume", "The owner has shown her papers")
    admin.shows("A payer reports a stolen name")


def deed(admin: Walker, name: str, reason: str) -> None:
    form = admin.page.locator(f"form#{name}")
    form.get_by_label("Reason").fill(reason)
    admin.press(form.get_by_role("button"))
    admin.shows("Done.")


def closed_out(asha: Walker, person: Person) -> None:
    """Her sessions have ended; signing in again, she is told why nothing opens."""
    asha.open("/accounts/login/")
    asha.fill({"Email": person.email, "Password": person.password})
    with asha.page.expect_navigation():
        asha.control("Sign in").click()
    asha.open("/m/asha-tea/test/", status=403)
    asha.heading("Asha Tea House is suspended")


def close_report(admin: Walker) -> None:
    admin.press(platform(admin, "Page reports"))
    row = admin.main.locator(".people li", has_text="My aunt's tea house has another name")
    row.get_by_text("Close…").click()
    admin.look()
    row.get_by_label("Reason").fill("It is another tea house")
    admin.press(row.get_by_role("button", name="Nothing wrong"))
    admin.shows("The report is closed.")
    expect(row).to_contain_text("closed by Platform admin")


def platform(admin: Walker, place: str) -> Locator:
    return admin.page.get_by_label("Platform").get_by_role("link", name=place)
