"""Forms of the platform's staff."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tenants.models import PageReport, Tenant, User
from tenants.provisioning import BadSlug, check_slug

SLUG_WORDS = {
    "malformed": _("Use 3 to 40 small letters, digits and single hyphens; begin with a letter."),
    "reserved": _("This address is reserved."),
    "taken": _("This address is taken."),
}


class ReasonForm(forms.Form):
    """Why staff do what they do; kept with the deed."""

    words = forms.CharField(label=_("Reason"), max_length=300)


class SearchForm(forms.Form):
    q = forms.CharField(label=_("Name or address"), max_length=80, required=False)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All")),
            ("asked", _("Asked for live mode")),
            (Tenant.State.ACTIVE, _("Active")),
            (Tenant.State.SUSPENDED, _("Suspended")),
        ],
    )


class HandleForm(ReasonForm):
    state = forms.ChoiceField(
        choices=[(PageReport.State.DISMISSED, ""), (PageReport.State.ACTED, "")]
    )


class NewMerchantForm(forms.Form):
    """A merchant that staff create for somebody who has an account already."""

    name = forms.CharField(label=_("Name"), max_length=80)
    slug = forms.CharField(label=_("Address"), max_length=40)
    owner = forms.EmailField(
        label=_("Owner's e-mail"), help_text=_("The owner signs up first, with this address.")
    )

    def clean_slug(self) -> str:
        slug = str(self.cleaned_data["slug"])
        try:
            check_slug(slug)
        except BadSlug as error:
            raise ValidationError(SLUG_WORDS[str(error)]) from error
        return slug

    def clean_owner(self) -> User:
        email = self.cleaned_data["owner"].lower()
        owner = User.objects.filter(
            email=email, is_active=True, emailaddress__email=email, emailaddress__verified=True
        ).first()
        if owner is None:
            raise ValidationError(_("Nobody with this verified address has signed up."))
        return owner
