"""The merchant as an organisation: opened by a person, described, changed."""

import secrets
import unicodedata
from dataclasses import asdict, dataclass
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django_tenants.utils import tenant_context

from merchants import branding
from merchants.audit import record
from merchants.models import Profile
from tenants import provisioning
from tenants.models import Tenant, User
from tenants.provisioning import BadSlug

DEFAULT_ZONE: Final = "Asia/Kolkata"
JOINERS: Final = "\u200c\u200d"  # part of how Indian scripts are written


@dataclass(frozen=True)
class Facts:
    """What a merchant says of itself."""

    name: str
    time_zone: str
    legal_name: str = ""
    gstin: str = ""
    support_email: str = ""
    support_phone: str = ""
    colour: str = ""
    terms: str = ""
    terms_url: str = ""


def open_merchant(owner: User, slug: str, facts: Facts, logo_png: bytes | None = None) -> Tenant:
    """A merchant of this owner's with all it said of itself, or nothing. Raises BadSlug."""
    try:
        with transaction.atomic():
            tenant = provisioning.claim(
                slug=slug, name=facts.name, owner=owner, time_zone=facts.time_zone
            )
            with tenant_context(tenant):
                _write(facts)
                if logo_png:
                    _write_logo(logo_png)
                record(owner, "merchant.opened", slug, after=asdict(facts))
    except IntegrityError as error:
        raise BadSlug("taken") from error  # by somebody else, a moment earlier
    return tenant


def facts_of(tenant: Tenant) -> Facts:
    """What is kept of the merchant we are in."""
    profile = Profile.objects.get()
    return Facts(
        name=tenant.name,
        time_zone=tenant.time_zone,
        legal_name=profile.legal_name,
        gstin=profile.gstin,
        support_email=profile.support_email,
        support_phone=profile.support_phone,
        colour=profile.colour,
        terms=profile.terms,
        terms_url=profile.terms_url,
    )


def describe(tenant: Tenant, facts: Facts, by: User) -> None:
    """Change what is kept of the merchant we are in, and record what changed."""
    with transaction.atomic():
        Profile.objects.select_for_update().get()
        tenant.refresh_from_db(fields=["name", "time_zone"])
        before, after = asdict(facts_of(tenant)), asdict(facts)
        changed = [name for name in after if before[name] != after[name]]
        if not changed:
            return
        tenant.name, tenant.time_zone = facts.name, facts.time_zone
        Tenant.objects.filter(pk=tenant.pk).update(name=facts.name, time_zone=facts.time_zone)
        _write(facts)
        record(
            by,
            "merchant.described",
            ", ".join(changed),
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )


def change_logo(png: bytes | None, by: User) -> None:
    """Use this PNG (see branding.redraw) as the logo, or none."""
    with transaction.atomic():
        profile = Profile.objects.select_for_update().get()
        before = profile.logo_version
        _write_logo(png)
        after = branding.version(png) if png else ""
        if before != after:
            record(by, "merchant.logo", "", before={"logo": before}, after={"logo": after})


def suggest_slug(name: str) -> str:
    """A free address made from the name; of random letters where the name has no Latin ones."""
    root = slugify(name.replace("_", " "))[:30].strip("-") or "shop"
    if not root[0].isalpha() or len(root) < 3:
        root = f"shop-{root}"
    for slug in (root, *(f"{root}-{number}" for number in range(2, 10))):
        try:
            provisioning.check_slug(slug)
        except BadSlug:
            continue
        return slug
    return f"{root}-{secrets.token_hex(3)}"


@cache
def time_zones() -> list[str]:
    """The places a merchant's days may begin and end at, and UTC."""
    places = (name for name in available_timezones() if "/" in name)
    return ["UTC", *sorted(name for name in places if not name.startswith(("Etc/", "SystemV/")))]


def refuse_invisible(text: str) -> None:
    """Raises ValidationError for control and formatting characters: names appear in mails, on
    pay pages and in files, where such could hide or turn around what is written."""
    if any(unicodedata.category(c).startswith("C") and c not in JOINERS for c in text):
        raise ValidationError(_("Use only letters, digits, signs and spaces."))


def refuse_invisible_lines(text: str) -> None:
    """As refuse_invisible, for text of many lines."""
    for line in text.splitlines():
        refuse_invisible(line.replace("\t", " "))


def _write(facts: Facts) -> None:
    Profile.objects.update(
        legal_name=facts.legal_name,
        gstin=facts.gstin,
        support_email=facts.support_email,
        support_phone=facts.support_phone,
        colour=facts.colour,
        terms=facts.terms,
        terms_url=facts.terms_url,
    )


def _write_logo(png: bytes | None) -> None:
    Profile.objects.update(logo_png=png, logo_version=branding.version(png) if png else "")
