"""A payment link as it is handed on: its address, messages about it, and HTML for a web site."""

from urllib.parse import quote

from django.conf import settings
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _

from payments.models import Link
from payments.money import format_inr

# A web site that the button lands on knows no class of ours.
LOOK = (
    "display:inline-block;padding:12px 24px;border-radius:8px;background:#0f5a74;color:#fff;"
    "font:600 16px/1.25 system-ui,sans-serif;text-decoration:none"
)


def pay_url(token: str) -> str:
    """The address to share: the link's page on the platform's public origin."""
    return f"{settings.BASE_URL}{reverse('pay', kwargs={'token': token})}"


def ways_to_share(link: Link, merchant: str) -> dict[str, str]:
    """Addresses that open a message, written and addressed to nobody yet; and HTML to paste."""
    url = pay_url(link.token)
    text = _message(link, merchant, url)
    subject = _("%(what)s: pay %(merchant)s") % {"what": link.description, "merchant": merchant}
    return {
        "whatsapp": f"https://wa.me/?text={quote(text, safe='')}",
        "mail": f"mailto:?subject={quote(subject, safe='')}&body={quote(text, safe='')}",
        # Text about HTML, not HTML: the page that shows it escapes it once more.
        "plain_html": f'<a href="{escape(url)}">{escape(_call(link))}</a>',
        "button_html": f'<a href="{escape(url)}" style="{LOOK}">{escape(_call(link))}</a>',
    }


def _message(link: Link, merchant: str, url: str) -> str:
    said = {"what": link.description, "merchant": merchant, "url": url}
    if link.amount_paise is None:
        return _("Pay %(merchant)s for %(what)s here: %(url)s") % said
    said["amount"] = format_inr(link.amount_paise)
    return _("Pay %(merchant)s %(amount)s for %(what)s here: %(url)s") % said


def _call(link: Link) -> str:
    if link.amount_paise is None:
        return _("Pay now")
    return _("Pay %(amount)s") % {"amount": format_inr(link.amount_paise)}
