"""Reports by mail: at eight in the merchant's morning, once each, while one is on the team."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client

from config.clock import now
from dashboard import report_mails
from payments.models import Payment, ReportSchedule
from tenants.jobs import run_due
from tenants.models import Job, Membership, Tenant, User
from tests.conftest import SignIn
from tests.dashboard.conftest import Clock, Url, text

Until = Callable[[datetime], None]


IST = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def until(clock: Clock) -> Until:
    """Move the clock to a moment, and let the workers do what is due."""

    def wait(moment: datetime) -> None:
        clock((moment - datetime.now(UTC)).total_seconds())
        run_due()

    return wait


@pytest.fixture
def daily(at_acme: Client, url: Url, paid: Payment, until: Until) -> ReportSchedule:
    """Alice gets yesterday's sales by method every morning. Where it is not eight yet, the first
    mail is of the day before, and is over."""
    run_due()
    mail.outbox.clear()
    chosen = {"report": "method", "every": "day", "format": "csv"}
    assert at_acme.post(url("report_mails"), chosen).status_code == 302
    schedule = ReportSchedule.objects.get()
    if schedule.next_at.astimezone(IST).date() == paid.created_at.astimezone(IST).date():
        until(schedule.next_at)
        mail.outbox.clear()
        schedule.refresh_from_db()
    return schedule


def reports() -> list[Any]:
    return [each for each in mail.outbox if "Sales by" in each.subject]


def test_it_comes_at_eight_with_totals_a_link_and_the_file(
    at_acme: Client, url: Url, daily: ReportSchedule, until: Until
) -> None:
    due = daily.next_at
    until(due - timedelta(seconds=5))
    assert reports() == []
    until(due + timedelta(seconds=5))
    [sent] = reports()
    assert sent.to == ["alice@example.com"]
    assert sent.subject.startswith("[TEST] Sales by method, ")
    assert "Sales: ₹500.00" in sent.body
    [link] = [line.split(": ", 1)[1] for line in sent.body.splitlines() if "See the report" in line]
    path = link.removeprefix("http://localhost:8000")
    assert at_acme.get(path).status_code == 200
    [(name, content, kind)] = sent.attachments
    assert (name[:12], kind) == ("acme-method-", "text/csv")
    shown = at_acme.get(path.replace("reports?", "reports.csv?")).content.decode()
    assert content.splitlines() == shown.splitlines()
    assert "500.00" in content


def test_the_link_wants_a_sign_in(
    daily: ReportSchedule, until: Until, client: Client, sign_in: SignIn, charlie: User
) -> None:
    until(daily.next_at)
    path = next(line for line in reports()[0].body.splitlines() if "See the" in line)
    path = path.split("http://localhost:8000")[1]
    assert client.get(path).status_code == 302
    assert sign_in(charlie).get(path).status_code == 404


def test_each_moment_is_one_mail_whatever_happens(
    acme: Tenant, daily: ReportSchedule, until: Until
) -> None:
    """The worker dies in the middle, the job is there twice, the moment comes late."""
    due = daily.next_at
    with transaction.atomic():
        report_mails.send(schedule_id=str(daily.pk), due=due.isoformat())
        transaction.set_rollback(True)
    for _ in range(2):
        report_mails.send.enqueue(acme.pk, schedule_id=str(daily.pk), due=due.isoformat())
    until(due + timedelta(hours=3))
    report_mails.look_after()
    until(due + timedelta(hours=4))
    assert len(reports()) == 1
    until(due + timedelta(days=1))
    assert len(reports()) == 2
    assert len({each.subject for each in reports()}) == 2, "each tells of its own day"


def test_what_was_due_while_nothing_ran_comes_late_and_whole(
    daily: ReportSchedule, until: Until
) -> None:
    until(daily.next_at + timedelta(days=2, minutes=1))
    assert len({each.subject for each in reports()}) == 3


def test_a_job_that_died_is_made_anew(daily: ReportSchedule, until: Until, clock: Clock) -> None:
    Job.objects.all().delete()
    until(daily.next_at + timedelta(hours=3))
    assert reports() == []
    report_mails.look_after()
    run_due()
    assert len(reports()) == 1


@pytest.mark.parametrize("how", ["removed", "gone", "inactive"])
def test_it_ends_with_the_membership(
    acme: Tenant, url: Url, sign_in: SignIn, alice: User, bob: User, paid: Payment,
    until: Until, how: str,
) -> None:  # fmt: skip
    chosen = {"report": "day", "every": "day", "format": "csv"}
    sign_in(bob).post(url("report_mails"), chosen)
    due = ReportSchedule.objects.get().next_at
    member = Membership.objects.get(tenant=acme, user=bob)
    if how == "removed":
        sign_in(alice).post(f"/m/acme/team/{member.pk}/remove")
        assert not ReportSchedule.objects.exists(), "at once, should Bob come back"
    elif how == "gone":
        member.delete()
    else:
        User.objects.filter(pk=bob.pk).update(is_active=False)
    until(due + timedelta(minutes=1))
    assert reports() == []
    assert not ReportSchedule.objects.exists()
    until(due + timedelta(days=3))
    assert reports() == []


def test_a_suspended_merchant_gets_none_until_it_is_back(
    acme: Tenant, daily: ReportSchedule, until: Until
) -> None:
    Tenant.objects.filter(pk=acme.pk).update(state=Tenant.State.SUSPENDED)
    until(daily.next_at + timedelta(minutes=1))
    assert reports() == []
    Tenant.objects.filter(pk=acme.pk).update(state=Tenant.State.ACTIVE)
    until(daily.next_at + timedelta(days=1, minutes=1))
    assert len(reports()) == 1


def test_each_has_their_own_and_stops_it(
    at_acme: Client, url: Url, daily: ReportSchedule, bob: User, sign_in: SignIn, until: Until
) -> None:
    at_bob = sign_in(bob)
    assert "You get no report by mail" in text(at_bob.get(url("report_mails")))
    stop = url("report_mail_stop", id=daily.pk)
    assert at_bob.post(stop).status_code == 404
    assert "Sales by method" in text(at_acme.get(url("report_mails")))
    assert at_acme.post(stop).status_code == 302
    assert at_acme.post(stop).status_code == 404
    until(daily.next_at + timedelta(days=1))
    assert reports() == []


def test_the_same_again_is_one_in_the_newer_format(
    at_acme: Client, url: Url, daily: ReportSchedule, until: Until
) -> None:
    at_acme.post(url("report_mails"), {"report": "method", "every": "day", "format": "xlsx"})
    assert ReportSchedule.objects.get().format == "xlsx"
    until(daily.next_at)
    [sent] = reports()
    [(name, content, _kind)] = sent.attachments
    assert name.endswith(".xlsx")
    assert content.startswith(b"PK")


@pytest.mark.parametrize(
    "chosen", [{"report": "x"}, {"every": "hour"}, {"format": "pdf"}, {"report": ""}]
)
def test_what_there_is_not_is_refused(
    in_acme: Tenant, at_acme: Client, url: Url, chosen: dict[str, str]
) -> None:
    whole = {"report": "day", "every": "day", "format": "csv"} | chosen
    assert at_acme.post(url("report_mails"), whole).status_code == 422
    assert not ReportSchedule.objects.exists()


KOLKATA, NEW_YORK, LINE = "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"


@pytest.mark.parametrize(
    ("zone", "at", "every", "due", "first", "last"),
    [
        (KOLKATA, "2026-11-27T02:29", "day", "2026-11-27T02:30", "2026-11-26", "2026-11-26"),
        (KOLKATA, "2026-11-27T02:30", "day", "2026-11-28T02:30", "2026-11-27", "2026-11-27"),
        (KOLKATA, "2026-11-27T02:30", "week", "2026-11-30T02:30", "2026-11-23", "2026-11-29"),
        (KOLKATA, "2026-03-31T19:00", "month", "2026-04-01T02:30", "2026-03-01", "2026-03-31"),
        (NEW_YORK, "2026-03-08T06:00", "day", "2026-03-08T12:00", "2026-03-07", "2026-03-07"),
        (LINE, "2026-12-31T17:00", "month", "2026-12-31T18:00", "2026-12-01", "2026-12-31"),
    ],
)
def test_moments_and_days_are_the_merchants_own(
    in_acme: Tenant, zone: str, at: str, every: str, due: str, first: str, last: str
) -> None:
    in_acme.time_zone = zone
    moment = report_mails.next_moment(every, datetime.fromisoformat(f"{at}+00:00"))
    assert moment == datetime.fromisoformat(f"{due}+00:00")
    days = report_mails.covered(every, moment)
    assert [day.isoformat() for day in days] == [first, last]


def test_every_report_can_be_mailed(in_acme: Tenant, alice: User, paid: Payment) -> None:
    from dashboard.reports import REPORTS

    mail.outbox.clear()
    for report in REPORTS:
        schedule = report_mails.subscribe(alice, False, report.name, "day", "csv")
        due = now() - timedelta(minutes=1)
        ReportSchedule.objects.filter(pk=schedule.pk).update(next_at=due)
        report_mails.send(schedule_id=str(schedule.pk), due=due.isoformat())
    run_due()
    subjects = {each.subject for each in mail.outbox}
    assert all(any(str(report.title) in subject for subject in subjects) for report in REPORTS)
