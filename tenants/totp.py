"""A code of an authenticator app counts once, the one that switches the app on too.

allauth marks a code as used where it signs in or proves again, and not where it activates.
"""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as allauth_forms
from allauth.mfa.utils import encrypt


class ActivateForm(allauth_forms.ActivateTOTPForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        code: str = super().clean_code()
        sealed = {"secret": encrypt(self.secret)}
        app = Authenticator(user=self.user, type=Authenticator.Type.TOTP, data=sealed)
        if not app.wrap().validate_code(code):  # which marks it as used
            raise get_adapter().validation_error("incorrect_code")
        return code
