"""Walk 2: somebody signs up, creates a merchant, and finds the way back after a lost password."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.people import Person, follow_mail, mailed_code, sign_in
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser

KAVYA = Person("kavya@example.com", "a long walk to the market")
ANOTHER = "three bolts of blue silk"


def test_from_the_front_door_to_a_merchant_of_ones_own(walk: Open) -> None:
    kavya = walk()
    sign_up(kavya)
    create_merchant(kavya)
    first_steps(kavya)
    reset_password(walk(size=PHONE))


def sign_up(kavya: Walker) -> None:
    kavya.open("/")
    kavya.press("Create an account")
    kavya.fill({"Your name": "Kavya Nair", "Email": KAVYA.email, "Password": "short"})
    kavya.press("Create account")
    kavya.shows("This password is too short")
    kavya.fill({"Password": KAVYA.password})
    kavya.press("Create account")
    kavya.heading("Enter the code")
    code = mailed_code(kavya, KAVYA.email, "Your code for")
    kavya.open("/accounts/confirm-email/")
    kavya.fill({"Code": "000000"})
    kavya.press("Confirm")
    kavya.shows("Incorrect code")
    kavya.fill({"Code": code})
    kavya.press("Confirm")


def create_merchant(kavya: Walker) -> None:
    kavya.heading("Your merchants")
    kavya.press(kavya.control("New merchant").first)
    kavya.fill({"Name": "Nair Handlooms", "Address": "Nair Handlooms!"})
    kavya.press("Create merchant", status=422)
    kavya.shows("Use 3 to 40 small letters and digits")
    kavya.fill({"Address": "asha-tea"})
    kavya.press("Create merchant", status=422)
    kavya.shows("This address is taken")
    kavya.fill({
        "Address": "nair-handlooms",
        "Legal name": "Nair Handlooms Private Limited",
        "GSTIN": "32ABCDE1234F1Z5",
        "Time zone": "Asia/Kolkata",
        "Support e-mail": "help@nair.example",
        "Support phone": "+91 484 400 0000",
    })  # fmt: skip
    logo = {"name": "logo.png", "mimeType": "image/png", "buffer": small_png()}
    kavya.field("Logo").set_input_files(logo)  # type: ignore[arg-type]
    kavya.press("Create merchant")


def first_steps(kavya: Walker) -> None:
    expect(kavya.page).to_have_url(f"{kavya.stack.base_url}/m/nair-handlooms/test/")
    kavya.heading("Nair Handlooms")
    for step in ("Connect Paytm", "Make a payment link", "Invite your team", "Ask for live mode"):
        expect(kavya.main.get_by_role("link", name=step)).to_be_visible()
    kavya.press(kavya.page.get_by_label("Merchant").get_by_role("link", name="Settings").first)
    expect(kavya.field("GSTIN")).to_have_value("32ABCDE1234F1Z5")
    expect(kavya.page.get_by_alt_text("Your logo")).to_be_visible()


def reset_password(kavya: Walker) -> None:
    kavya.open("/accounts/login/")
    kavya.press("Forgot your password?")
    kavya.fill({"Email": KAVYA.email})
    kavya.press("Mail me a link")
    kavya.heading("Look in your mail")
    follow_mail(kavya, KAVYA.email, "Set a new password")
    kavya.fill({"New Password": ANOTHER, "New Password (again)": ANOTHER})
    kavya.press("Set password")
    sign_in(kavya, Person(KAVYA.email, ANOTHER))
    kavya.heading("Nair Handlooms")


def small_png() -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "#1d5c73").save(picture, "PNG")
    return picture.getvalue()
