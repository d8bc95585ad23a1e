"""Mails leave by a job: written with what they tell about, sent after it is committed."""

import base64
import mimetypes
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template import Context, TemplateDoesNotExist
from django.template.loader import get_template

from tenants import schema
from tenants.jobs import MAIL, NO_TENANT, job
from tenants.models import CaughtMail

Files = Sequence[tuple[str, bytes]]


def post(
    to: str,
    template: str,
    context: Mapping[str, Any],
    tenant_id: uuid.UUID | None = None,
    files: Files = (),
) -> None:
    """Mail templates/emails/<template>_subject.txt, <template>.txt and, if there, .html.

    They are rendered now and know `base_url` and `product` besides the context. The tenant
    is the one we are in, or none, unless told. `files` are names and contents, of a megabyte at
    most in all.
    """
    known = {"base_url": settings.BASE_URL, "product": settings.PRODUCT_NAME, **context}
    try:
        html = get_template(f"emails/{template}.html").render(known)
    except TemplateDoesNotExist:
        html = ""
    subject, text = _plain(f"{template}_subject.txt", known), _plain(f"{template}.txt", known)
    post_rendered(to, subject, text, html, tenant_id, files)


def post_rendered(
    to: str,
    subject: str,
    text: str,
    html: str = "",
    tenant_id: uuid.UUID | None = None,
    files: Files = (),
) -> None:
    """Mail what is already rendered. Line breaks in the subject become blanks."""
    attached = [[name, base64.b64encode(content).decode()] for name, content in files]
    more: dict[str, Any] = {"files": attached} if attached else {}
    deliver.enqueue(
        tenant_id or _current_tenant_id(),
        to=to,
        subject=" ".join(subject.split()),
        text=text,
        html=html,
        **more,
    )


@job(lane=MAIL)
def deliver(
    to: str, subject: str, text: str, html: str = "", files: Sequence[Sequence[str]] = ()
) -> None:
    """Hand one mail to the mail server. A crash right after it may send it twice.

    `files` are names and contents, the latter in base64.
    """
    message = EmailMultiAlternatives(subject, text, settings.DEFAULT_FROM_EMAIL, [to])
    if html:
        message.attach_alternative(html, "text/html")
    for name, content in files:
        message.attach(name, base64.b64decode(content), mimetypes.guess_type(name)[0])
    message.send()


class CatchingBackend(BaseEmailBackend):
    """Keeps mails in a table where the demo shows them, one row for each who would get it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        caught = [
            CaughtMail(
                to=to,
                subject=str(message.subject),
                text=str(message.body),
                html=_html_of(message),
            )
            for message in email_messages
            for to in message.recipients()
        ]
        CaughtMail.objects.bulk_create(caught)
        return len(email_messages)


def _html_of(message: EmailMessage) -> str:
    alternatives = getattr(message, "alternatives", [])
    return next((str(body) for body, kind in alternatives if kind == "text/html"), "")


def _plain(name: str, context: Mapping[str, Any]) -> str:
    """A text template, where `&` stays `&`."""
    template: Any = get_template(f"emails/{name}")
    return str(template.template.render(Context(dict(context), autoescape=False)))


def _current_tenant_id() -> uuid.UUID:
    tenant = schema.tenant()
    return tenant.id if tenant else NO_TENANT
