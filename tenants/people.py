"""How people sign up and in: allauth, with our mail, our limits' address and sealed seeds."""

from typing import Any, Final

from allauth.account import auth_backends
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import email_changed
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django import forms
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import F
from django.dispatch import receiver
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from config.client_ip import client_ip
from config.rows import OneRow
from tenants import mail
from tenants.access import proved_recently
from tenants.master_keys import unwrap, wrap
from tenants.models import User

MFA_PLACE = "platform|mfa"

_PEOPLE: Final = OneRow(User.objects.all(), by="pk")


class AuthenticationBackend(auth_backends.AuthenticationBackend):  # type: ignore[misc]
    def get_user(self, user_id: object) -> User | None:
        """The person as they are now: asked by every request of a session, so without the ORM."""
        user = _PEOPLE.find(user_id)
        return user if user and self.user_can_authenticate(user) else None


def language_of(email: str, person: User | None = None) -> str:
    """What to write in to an address: the language of its person, else of who signs in with it;
    English to strangers."""
    reader = person or User.objects.filter(email=email.lower()).first()
    return reader.reads if reader else settings.LANGUAGE_CODE


class SignupForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ["name", "email", "password1"]

    def signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request.META)

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:
        """allauth by itself counts no sign-in, and would ask again right after one."""
        return not proved_recently(self.request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mails leave by a job, so that whether one is sent cannot be timed."""
        with translation.override(language_of(email, context.get("user"))):
            message = self.render_mail(template_prefix, email, context)
        html = next((body for body, kind in getattr(message, "alternatives", [])), "")
        mail.post_rendered(email, message.subject, message.body, html)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """As allauth does it, but `send_mail` is told whom it is for."""
        told = {**(context or {}), "user": user}
        super().send_notification_mail(template_prefix, user, told, email)

    def save_user(
        self, request: HttpRequest, user: User, form: forms.Form, commit: bool = True
    ) -> User:
        """Of two tabs that sign up with one address the second is told to look at its mail."""
        try:
            with transaction.atomic():
                return super().save_user(request, user, form, commit)  # type: ignore[no-any-return]
        except IntegrityError as error:
            raise ImmediateHttpResponse(redirect("account_email_verification_sent")) from error

    def send_account_already_exists_mail(self, email: str) -> None:
        """Costs the password hash that a new account costs, so that time tells nothing."""
        make_password(email)
        super().send_account_already_exists_mail(email)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """TOTP seeds and recovery codes are sealed at rest, and a change ends other sessions."""

    def encrypt(self, text: str) -> str:
        return wrap(text.encode(), MFA_PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        return unwrap(encrypted_text, MFA_PLACE).decode()


def end_sessions(user: User) -> None:
    """Every session of this person ends with its next request."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)


@receiver([authenticator_added, authenticator_removed, email_changed])
def end_other_sessions(request: HttpRequest, user: User, **_: Any) -> None:
    end_sessions(user)
    user.refresh_from_db(fields=["session_epoch"])
    update_session_auth_hash(request, user)
