"""What people do on their way in: sign in, read their mail, look at their authenticator app."""

import base64
import hmac
import re
import time
from dataclasses import dataclass

from playwright.sync_api import expect

from tests.browser.walker import Walker

STEP = 30  # seconds that a code of an authenticator app lives
TO_TYPE = 10  # seconds that it must still have, for a slow machine
HAS_ARRIVED = """subject => fetch(location.href).then(answer => answer.text())
    .then(page => page.includes(subject))"""


@dataclass
class Person:
    """Somebody with an account; with an authenticator app if there is a secret."""

    email: str
    password: str
    totp_secret: str = ""


def sign_in(walker: Walker, person: Person) -> None:
    """Sign in by the form, and by the app's code where it asks for one."""
    walker.open("/accounts/login/")
    walker.fill({"Email": person.email, "Password": person.password})
    walker.press("Sign in")
    if person.totp_secret:
        walker.heading("Second step")
        walker.fill({"Code": totp(person.totp_secret)})
        walker.press("Sign in")


def prove_again(walker: Walker, person: Person) -> None:
    """Answer the question that comes before a delicate act."""
    walker.heading("Is it you?")
    walker.fill({"Password": person.password})
    walker.press("Go on")


def totp(secret: str) -> str:
    """What an authenticator app shows (RFC 6238: SHA-1, 30 s, six digits). As a person does who
    sees that a code is about to go, it waits for the next one: a code counts in its own step."""
    left = STEP - time.time() % STEP
    if left < TO_TYPE:
        time.sleep(left)
    counter = int(time.time() // STEP).to_bytes(8, "big")
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def open_mail(walker: Walker, to: str, subject: str) -> str:
    """Wait for a mail among the caught ones, open the newest and return its text."""
    walker.open(f"/demo/mail/?to={to}")
    walker.page.wait_for_function(HAS_ARRIVED, arg=subject, polling=200)
    walker.page.reload()
    walker.look()
    walker.press(walker.main.get_by_role("link", name=subject).first)
    return walker.page.locator(".prose").inner_text()


def mailed_code(walker: Walker, to: str, subject: str) -> str:
    """The code that a mail brings, alone on its line."""
    text = open_mail(walker, to, subject)
    found = re.search(r"^\s*([A-Z0-9-]{6,10})\s*$", text, re.MULTILINE)
    assert found, text
    return found[1]


def follow_mail(walker: Walker, to: str, subject: str) -> None:
    """Open a mail and follow its link."""
    open_mail(walker, to, subject)
    link = walker.page.locator(".prose a").first
    expect(link).to_be_visible()
    walker.press(link)
