"""Forms about the merchant itself."""

from dataclasses import fields
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator, URLValidator
from django.utils.translation import gettext_lazy as _

from merchants import branding
from merchants.models import GSTIN, PHONE
from merchants.profile import (
    DEFAULT_ZONE,
    Facts,
    refuse_invisible,
    refuse_invisible_lines,
    suggest_slug,
    time_zones,
)
from merchants.roles import may_give
from payments.paytm.checksum import KEY_BYTES
from tenants.models import Role
from tenants.provisioning import BadSlug, check_slug

SLUG_WORDS = {
    "malformed": _(
        "Use 3 to 40 small letters and digits, single hyphens between them, a letter first."
    ),
    "reserved": _("This address is kept for the platform. Choose another."),
    "taken": _("This address is taken. Choose another."),
}


class LogoField(forms.FileField):
    """An uploaded picture; cleans to the bytes of a small PNG, or None."""

    widget = forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"})

    def clean(self, data: Any, initial: Any = None) -> bytes | None:
        file: UploadedFile[bytes] | None = super().clean(data, initial)
        if not file:
            return None
        try:
            return branding.redraw(file.read(branding.MAX_BYTES + 1))
        except branding.BadLogo as error:
            raise ValidationError(str(error)) from error


class MerchantForm(forms.Form):
    """What a merchant says of itself."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        validators=[refuse_invisible],
        help_text=_("As your customers know you. It heads your payment pages."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    legal_name = forms.CharField(
        label=_("Legal name"),
        max_length=120,
        required=False,
        validators=[refuse_invisible],
        help_text=_("As registered. Needed before you take real payments."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=lambda: [(zone, zone.replace("_", " ")) for zone in time_zones()],
        initial=DEFAULT_ZONE,
        help_text=_("Your days begin and end there, in reports and everywhere else."),
    )
    gstin = forms.CharField(
        label=_("GSTIN"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    support_email = forms.EmailField(
        label=_("Support e-mail"),
        max_length=254,
        required=False,
        help_text=_("Shown to people who pay you."),
    )
    support_phone = forms.CharField(
        label=_("Support phone"),
        max_length=20,
        required=False,
        validators=[PHONE],
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    logo = LogoField(
        label=_("Logo"), required=False, help_text=_("PNG, JPEG or WebP, at most 1 MB.")
    )

    def clean_gstin(self) -> str:
        gstin = "".join(self.cleaned_data["gstin"].split()).upper()
        if gstin:
            GSTIN(gstin)
        return gstin

    @property
    def facts(self) -> Facts:
        names = (field.name for field in fields(Facts) if field.name in self.fields)
        return Facts(**{name: self.cleaned_data[name] for name in names})


class NewMerchantForm(MerchantForm):
    """A merchant to be, with the address it wants."""

    slug = forms.CharField(
        label=_("Address"),
        max_length=100,
        required=False,
        help_text=_("Where your dashboard is. Left empty, it is made from the name."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    field_order = ["name", "slug"]

    def clean_slug(self) -> str:
        slug, name = self.cleaned_data["slug"], self.cleaned_data.get("name")
        if not slug and not name:
            return ""  # the name's own error says what to do
        slug = slug or suggest_slug(str(name))
        try:
            check_slug(slug)
        except BadSlug as error:
            raise ValidationError(SLUG_WORDS[str(error)]) from error
        return str(slug)


class SettingsForm(MerchantForm):
    """What a merchant says of itself, and how its pay pages look."""

    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    colour = forms.CharField(
        label=_("Colour"),
        max_length=20,
        required=False,
        help_text=_("Of buttons and links on your payment pages, such as #b3261e."),
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
    )
    terms = forms.CharField(
        label=_("Terms"),
        max_length=5000,
        required=False,
        validators=[refuse_invisible_lines],
        help_text=_("What people agree to who pay you. Linked at the foot of your payment pages."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    terms_url = forms.URLField(
        label=_("Address of your terms"),
        max_length=400,
        required=False,
        assume_scheme="https",
        help_text=_("If they stand on your own site. It begins with https://."),
    )
    terms_url.validators = [
        URLValidator(schemes=["https"], message=_("Enter an address that begins with https://."))
    ]

    def clean_colour(self) -> str:
        colour = "".join(self.cleaned_data["colour"].split()).lower()
        if colour and not branding.COLOUR.fullmatch(colour):
            raise ValidationError(_("Write the colour as # and six of 0 to 9 and a to f."))
        return colour

    def clean_terms_url(self) -> str:
        url: str = self.cleaned_data["terms_url"]
        if url and self.cleaned_data.get("terms"):
            raise ValidationError(_("Give the text of your terms or their address, not both."))
        return url


class KeysForm(forms.Form):
    """A MID, its key and its website, as Paytm's dashboard shows them."""

    mid = forms.CharField(
        label=_("MID"),
        strip=False,
        max_length=100,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9]{1,20}\Z",
                _("A MID has at most 20 letters and digits, without spaces."),
            )
        ],
        widget=forms.TextInput(
            attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    key = forms.CharField(
        label=_("Merchant key"),
        strip=False,
        max_length=200,
        help_text=_("Exactly 16 characters. It is sealed and never shown again."),
        widget=forms.PasswordInput(
            render_value=False,
            attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"},
        ),
    )
    website = forms.CharField(
        label=_("Website"),
        max_length=30,
        validators=[
            RegexValidator(r"^[A-Za-z0-9]+\Z", _("A website name has letters and digits only."))
        ],
        widget=forms.TextInput(
            attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    legacy_host = forms.BooleanField(
        label=_("My MID works only at Paytm's older host (paytm.in)"), required=False
    )

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if any(not "!" <= character <= "~" for character in key):
            raise ValidationError(
                _("The key holds a space or a character that Paytm's keys never have.")
            )
        if len(key) != KEY_BYTES:
            raise ValidationError(
                _("A merchant key has exactly 16 characters; this has %(count)s."),
                params={"count": len(key)},
            )
        return key


class RoleForm(forms.Form):
    """A role; `giver` is the role of the person who gives it, and is offered what that may give."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.VIEWER)

    def __init__(self, *args: Any, giver: str = Role.VIEWER, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [choice for choice in Role.choices if may_give(giver, choice[0])]
        self.fields["role"].widget.choices = offered


class InvitationForm(RoleForm):
    """Whom to invite, and as what."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    field_order = ["email", "role"]

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()
