"""Mails: written with what they tell about, delivered by a job, caught in the demo."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as django_mail
from django.core.mail import EmailMessage
from django.db import transaction
from django.test import Client
from django_tenants.utils import tenant_context

from tenants import jobs, mail, upkeep
from tenants.jobs import NO_TENANT, run_due
from tenants.models import CaughtMail, DeadJob, Job, Tenant
from tests.tenants.conftest import MoveClock
from tests.tenants.job_handlers import fail

pytestmark = pytest.mark.django_db

CATCHING = "tenants.mail.CatchingBackend"


@pytest.fixture(autouse=True)
def templates(tmp_path: Path, settings: Any) -> None:
    """A mail's templates, in a folder before the product's own."""
    folder = tmp_path / "emails"
    folder.mkdir()
    (folder / "hello_subject.txt").write_text("Hello\n{{ name }}\n")
    (folder / "hello.txt").write_text("{{ name }} at {{ base_url }} of {{ product }}\n")
    (folder / "hello.html").write_text("<p>{{ name }}</p>")
    (folder / "plain_subject.txt").write_text("Plain")
    (folder / "plain.txt").write_text("text")
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [engine | {"DIRS": [tmp_path, *engine["DIRS"]]}]


def test_text_stays_text_and_html_is_escaped() -> None:
    mail.post("a@example.com", "hello", {"name": "Tom & Co"})
    run_due()
    [message] = django_mail.outbox
    assert message.subject == "Hello Tom & Co"
    assert message.body == "Tom & Co at http://localhost:8000 of Galla\n"
    [alternative] = message.alternatives  # type: ignore[attr-defined]
    assert alternative.content == "<p>Tom &amp; Co</p>"
    assert message.to == ["a@example.com"]


def test_html_is_optional() -> None:
    mail.post("a@example.com", "plain", {})
    run_due()
    [message] = django_mail.outbox
    assert (message.subject, message.body, message.alternatives) == ("Plain", "text", [])  # type: ignore[union-attr]


def test_it_is_rendered_now_and_sent_after_the_commit() -> None:
    with transaction.atomic():
        mail.post("a@example.com", "plain", {})
        transaction.set_rollback(True)
    run_due()
    assert django_mail.outbox == []


def test_it_belongs_to_the_tenant_it_was_written_in(acme: Tenant) -> None:
    Job.objects.all().delete()
    mail.post_rendered("a@example.com", "s", "t")
    with tenant_context(acme):
        mail.post_rendered("a@example.com", "s", "t")
    assert list(Job.objects.order_by("id").values_list("tenant_id", flat=True)) == [
        NO_TENANT,
        acme.pk,
    ]


def test_a_mail_server_that_is_away_is_tried_again(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    mail.post("a@example.com", "plain", {})
    run_due()
    job = Job.objects.get()
    assert job.state == "waiting"
    assert job.last_error.startswith("ConnectionRefusedError")


def test_a_mail_that_was_never_sent_is_forgotten_after_a_week(
    settings: Any, move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text holds a code or worse. A dead job about anything else stays."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    sweeps = [each for each in jobs.PERIODICS if each.handler is upkeep.forget_dead_mails]
    monkeypatch.setattr(jobs, "PERIODICS", sweeps)
    mail.post("a@example.com", "plain", {})
    fail.enqueue(NO_TENANT, message="no")
    for hours in range(mail.deliver.attempts):
        move_clock(timedelta(hours=hours))
        run_due()
    assert set(dead_kinds()) == {mail.deliver.kind, fail.kind}
    died = timedelta(hours=mail.deliver.attempts)
    for days, left in ((6, 2), (8, 1), (800, 1)):
        move_clock(died + timedelta(days=days))
        jobs.enqueue_periodics({})
        run_due()
        assert len(dead_kinds()) == left
    assert dead_kinds() == [fail.kind]


def dead_kinds() -> list[str]:
    return list(DeadJob.objects.values_list("kind", flat=True))


@pytest.mark.parametrize("subject", ["a\nBcc: b@example.com", "a\r\nBcc: b@example.com"])
def test_a_subject_is_one_line(subject: str) -> None:
    mail.post_rendered("a@example.com", subject, "t")
    run_due()
    [message] = django_mail.outbox
    assert message.subject == "a Bcc: b@example.com"
    assert message.recipients() == ["a@example.com"]


# --- The demo's pages ---------------------------------------------------------------------
def test_the_demo_keeps_a_row_for_each_who_would_get_it(settings: Any) -> None:
    settings.EMAIL_BACKEND = CATCHING
    mail.post("a@example.com", "hello", {"name": "A"})
    run_due()
    EmailMessage("s", "t", to=["b@example.com"], cc=["c@example.com"]).send()
    assert list(CaughtMail.objects.order_by("id").values_list("to", "subject", "html")) == [
        ("a@example.com", "Hello A", "<p>A</p>"),
        ("b@example.com", "s", ""),
        ("c@example.com", "s", ""),
    ]


def test_the_list_shows_newest_first_and_filters_by_address(client: Client) -> None:
    for number in range(2):
        CaughtMail.objects.create(to="a@example.com", subject=f"mail {number}", text="t")
    CaughtMail.objects.create(to="b@example.com", subject="for b", text="t")
    everything = client.get("/demo/mail/").content.decode()
    assert everything.index("for b") < everything.index("mail 1") < everything.index("mail 0")
    filtered = client.get("/demo/mail/?to=A@example.com").content.decode()
    assert "mail 1" in filtered
    assert "for b" not in filtered


def test_a_mails_links_work_and_its_html_is_source(client: Client) -> None:
    caught = CaughtMail.objects.create(
        to="a@example.com",
        subject="<s>",
        text="Go to http://localhost:8000/x?a=1&b=2 <b>now</b>",
        html="<script>alert(1)</script>",
    )
    page = client.get(f"/demo/mail/{caught.pk}").content.decode()
    assert 'href="http://localhost:8000/x?a=1&amp;b=2"' in page
    assert "&lt;b&gt;now" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("path", ["/demo/mail/0", "/demo/mail/99999999999999999999"])
def test_an_absent_mail_is_404(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_production_shows_no_mails(client: Client, settings: Any) -> None:
    settings.PRODUCTION = True
    assert client.get("/demo/mail/").status_code == 404
