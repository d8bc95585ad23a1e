"""An authenticator app whose codes work once, the one that switched it on included."""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP


class ActivateForm(ActivateTOTPForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        """Marks the code as used, as signing in does: whoever saw it typed cannot type it again."""
        code: str = super().clean_code()
        if not TOTP(Authenticator(user=self.user))._mark_code_used(code):
            raise get_adapter().validation_error("incorrect_code")
        return code
