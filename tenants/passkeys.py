"""Passkey forms that take nothing but the shape of a passkey's answer.

allauth hands what was posted to a parser that trusts its shape; any input must be a 4xx.
"""

from typing import Any

from allauth.mfa.webauthn import forms as allauth_forms
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST = 20_000
# What a browser sends (WebAuthn Level 2, toJSON), for a new key and for a known one.
ANSWERS = ({"clientDataJSON", "attestationObject"},
           {"clientDataJSON", "authenticatorData", "signature"})  # fmt: skip


class CredentialField(forms.JSONField):
    """A public key credential as JSON."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and (len(value) > LONGEST or value.count("{") > 20):
            raise ValidationError(_("This is no passkey."))
        try:
            credential = super().to_python(value)
        except RecursionError as error:
            raise ValidationError(_("This is no passkey.")) from error
        if credential and not _is_credential(credential):
            raise ValidationError(_("This is no passkey."))
        return credential


def _is_credential(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("response"), dict):
        return False
    answer = value["response"]
    texts = [value.get("id"), value.get("rawId"), value.get("type")]
    texts += [answer.get(name) for name in answer.keys() & set().union(*ANSWERS)]
    return all(isinstance(text, str) for text in texts) and any(
        names <= answer.keys() for names in ANSWERS
    )


class AddForm(allauth_forms.AddWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()


class LoginForm(allauth_forms.LoginWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()


class ReauthenticateForm(allauth_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()
