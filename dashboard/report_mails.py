"""Reports by mail: due at eight in the morning, each once, for as long as who asked may read them.

For each moment there is one job. In one transaction it mails the report and moves the schedule on
to the next moment, with the job for that; whatever comes late or twice finds it moved, and ends.
"""

from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation

from config.clock import now
from dashboard import exports
from dashboard.reports import BY_NAME, Asked, Report, shown, table
from dashboard.spans import DAY, end_of, start_of
from merchants import roles
from payments.models import ReportSchedule
from tenants import mail
from tenants.current import current_tenant, zone
from tenants.jobs import BULK, job, periodic
from tenants.models import Membership, Tenant, User

AT = time(8)
MOST_ATTACHED = 1_000_000  # bytes; what is larger is behind the link alone
FORGOTTEN = timedelta(hours=2)  # so long after its moment its job must have died


class NoSuchReport(KeyError):
    """No report has this name (any more)."""


def subscribe(person: User, live: bool, report: str, every: str, format: str) -> ReportSchedule:
    """Mail this report to this person from the next moment on. The same again changes its format.

    Raises NoSuchReport.
    """
    if report not in BY_NAME:
        raise NoSuchReport(report)
    due = next_moment(every, now())
    with transaction.atomic():
        schedule, is_new = ReportSchedule.objects.update_or_create(
            person_id=person.pk,
            live=live,
            report=report,
            every=every,
            defaults={"format": format},
            create_defaults={"format": format, "next_at": due},
        )
        if is_new:
            _await(schedule)
    return schedule


def next_moment(every: str, after: datetime) -> datetime:
    """Eight in the morning, in the merchant's zone, of the first day, Monday or 1st after this."""
    span = ReportSchedule.Every(every).value
    day = start_of(span, after.astimezone(zone()).date())
    while (moment := datetime.combine(day, AT, zone())) <= after:
        day = end_of(span, day) + DAY
    return moment


def covered(every: str, moment: datetime) -> tuple[date, date]:
    """The first and last day of the day, week or month before this moment's."""
    begin = start_of(every, moment.astimezone(zone()).date())
    return start_of(every, begin - DAY), begin - DAY


@job(lane=BULK, atomic=True)
def send(schedule_id: str, due: str) -> None:
    """Mail the report that is due at this moment, and await the next; ends with the schedule."""
    rows = ReportSchedule.objects.select_for_update()
    schedule = rows.filter(pk=schedule_id, next_at=datetime.fromisoformat(due)).first()
    if schedule is None:
        return
    reader = reader_of(schedule)
    if reader is None or schedule.report not in BY_NAME:
        schedule.delete()
        return
    if _is_open(schedule):
        _post(schedule, reader)
    schedule.next_at = next_moment(schedule.every, schedule.next_at)
    schedule.save(update_fields=["next_at"])
    _await(schedule)


def reader_of(schedule: ReportSchedule) -> User | None:
    """The person, while they are on the team and their role may see reports."""
    team = Membership.objects.filter(tenant=current_tenant(), user_id=schedule.person_id)
    member = team.select_related("user").first()
    if member is None or not member.user.is_active:
        return None
    return member.user if roles.may(member.role, "reports.view") else None


def _is_open(schedule: ReportSchedule) -> bool:
    """Whether the person could see the report on screen now."""
    tenant = current_tenant()
    return tenant.state == Tenant.State.ACTIVE and (tenant.live_open or not schedule.live)


def _post(schedule: ReportSchedule, reader: User) -> None:
    report, tenant = BY_NAME[schedule.report], current_tenant()
    first, last = covered(schedule.every, schedule.next_at)
    asked = Asked(schedule.live, first, last)
    with timezone.override(zone()), translation.override(reader.reads):
        lines = report.lines(asked)
        context = {
            "report": report,
            "first": first,
            "last": last,
            "facts": _facts(report, report.total(lines) if lines else None),
            "count": len(lines),
            "merchant_name": tenant.name,
            "live": schedule.live,
            "url": _address(report, asked),
            "stop_url": _page("report_mails", schedule.live),
        }
        head, rows = table(report, lines)
        name = f"{tenant.slug}-{report.name}-{first}-{last}.{schedule.format}"
        content = exports.table_bytes(schedule.format, head, rows)
        files = [(name, content)] if lines and len(content) <= MOST_ATTACHED else []
        mail.post(reader.email, "report", context, files=files)


def _facts(report: Report, total: tuple[int | None, ...] | None) -> list[tuple[object, str]]:
    values = total or ()
    return [(c.head, shown(c.kind, v)) for c, v in zip(report.columns, values, strict=bool(total))]


def _address(report: Report, asked: Asked) -> str:
    query = urlencode({"report": report.name, "from": asked.first, "to": asked.last})
    return f"{_page('reports', asked.live)}?{query}"


def _page(name: str, live: bool) -> str:
    where = {"slug": current_tenant().slug, "live": live}
    return f"{settings.BASE_URL}{reverse(name, kwargs=where)}"


def _await(schedule: ReportSchedule) -> None:
    due = schedule.next_at.isoformat()
    send.enqueue(
        current_tenant().pk,
        at=schedule.next_at,
        key=f"report:{schedule.pk}:{due}",
        schedule_id=str(schedule.pk),
        due=due,
    )


@periodic(every=24 * 3600, lane=BULK)
def look_after_all() -> None:
    """Have every merchant's forgotten schedules found, once a day."""
    claimed = Tenant.objects.exclude(state=Tenant.State.READY)
    for tenant_id in claimed.values_list("pk", flat=True).iterator():
        look_after.enqueue(tenant_id, key=f"reports:{tenant_id}")


@job(lane=BULK, atomic=True)
def look_after() -> None:
    """Try again what died: the moment has passed, and the schedule still stands at it."""
    for schedule in ReportSchedule.objects.filter(next_at__lt=now() - FORGOTTEN):
        _await(schedule)
