"""What sets up a real instance besides its schemas: the first platform admin, and a test mail."""

import smtplib
import socket
import ssl
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.mail import EmailMessage
from django.db import transaction

from config.logs import describe
from tenants.models import User
from tenants.people import end_sessions

SCHEMES = "smtp:// is plain, smtp+tls:// asks for STARTTLS, smtps:// is TLS from the start"
# In this order: the last ones hold the ones before.
MAIL_FAULTS: list[tuple[type[Exception], str]] = [
    (smtplib.SMTPAuthenticationError, "the server refuses the user or password"),
    (smtplib.SMTPNotSupportedError, f"the server does not offer what was asked for; {SCHEMES}"),
    (smtplib.SMTPSenderRefused, "the server refuses the sender, MAIL_FROM"),
    (smtplib.SMTPRecipientsRefused, "the server refuses the recipient"),
    (smtplib.SMTPServerDisconnected, f"the server hung up; {SCHEMES}"),
    (smtplib.SMTPException, "the server did not take the mail"),
    (ssl.SSLCertVerificationError, "the server's certificate is not to be trusted"),
    (ssl.SSLError, f"no TLS was agreed on; {SCHEMES}"),
    (socket.gaierror, "the server's name is not known"),
    (TimeoutError, f"the server does not answer; {SCHEMES}"),
    (ConnectionRefusedError, "nothing listens there"),
    (OSError, "the server cannot be reached"),
]


class Unverified(Exception):
    """Somebody signed up with this address and never showed that it is theirs."""


@dataclass(frozen=True)
class Second:
    """A new second factor, to be shown once."""

    url: str
    secret: str


def first_admin() -> User | None:
    """The oldest platform admin."""
    admins = User.objects.filter(staff_role=User.StaffRole.ADMIN, is_active=True)
    return admins.order_by("date_joined").first()


def create_admin(email: str, password: str) -> tuple[User, Second]:
    """A new person, platform admin with a verified address and a TOTP secret.

    Raises ValidationError, before anything is written, for a weak password.
    """
    validate_password(password, User(email=email))
    with transaction.atomic():
        user = User.objects.create_user(email, password, staff_role=User.StaffRole.ADMIN)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user, _second_factor(user)


def appoint(user: User) -> Second | None:
    """Make a person platform admin, who keeps password and second factor and signs in again.

    The second factor is returned if it was made now. Raises Unverified.
    """
    with transaction.atomic():
        if not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
            raise Unverified
        User.objects.filter(pk=user.pk).update(staff_role=User.StaffRole.ADMIN)
        end_sessions(user)
        known = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
        return None if known else _second_factor(user)


def _second_factor(user: User) -> Second:
    secret: str = generate_totp_secret()
    TOTP.activate(user, secret)
    return Second(get_adapter().build_totp_url(user, secret), secret)


def send_test_mail(to: str) -> str:
    """Send a mail right now, as EMAIL_URL says. Returns what went wrong, or "" if nothing did."""
    subject = f"Test mail of {settings.PRODUCT_NAME}"
    text = f"Mail from {settings.BASE_URL} reaches you."
    try:
        EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [to]).send()
    except OSError as error:
        words = next(words for kind, words in MAIL_FAULTS if isinstance(error, kind))
        server = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
        return f"EMAIL_URL, {server}: {words} ({describe(error)})"
    return ""
