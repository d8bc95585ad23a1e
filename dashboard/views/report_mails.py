"""A person's reports by mail: which they get, one more, and one less."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import report_mails
from dashboard.report_form import USUAL, choices
from dashboard.reports import BY_NAME
from payments.models import ReportSchedule
from tenants.access import WorldRequest, member


class ScheduleForm(forms.Form):
    report = forms.ChoiceField(label=gettext_lazy("Report"), choices=choices)
    every = forms.ChoiceField(label=gettext_lazy("When"), choices=ReportSchedule.Every.choices)
    format = forms.ChoiceField(
        label=gettext_lazy("Attached as"), choices=ReportSchedule.Format.choices
    )


@member("reports.view")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: WorldRequest) -> HttpResponse:
    """What this person gets by mail, and a form for one more."""
    if request.method != "POST":
        chosen = request.GET.get("report", USUAL)
        return _page(request, ScheduleForm(initial={"report": chosen, "every": "week"}))
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    report_mails.subscribe(request.user, request.live, **form.cleaned_data)
    where = {"email": request.user.email}
    messages.success(request, _("You get this report at %(email)s.") % where)
    return redirect("report_mails", slug=request.tenant.slug, live=request.live)


@member("reports.view")
@require_POST
def stop(request: WorldRequest, id: UUID) -> HttpResponse:
    """Send this person that report no more."""
    get_object_or_404(_own(request), pk=id).delete()
    messages.success(request, _("You get this report no more."))
    return redirect("report_mails", slug=request.tenant.slug, live=request.live)


def _own(request: WorldRequest) -> Any:
    return ReportSchedule.objects.filter(person_id=request.user.pk, live=request.live)


def _page(request: WorldRequest, form: ScheduleForm, status: int = 200) -> HttpResponse:
    schedules = [each for each in _own(request).order_by("created_at") if each.report in BY_NAME]
    context = {
        "form": form,
        "rows": [{"schedule": each, "report": BY_NAME[each.report]} for each in schedules],
    }
    return render(request, "dashboard/reports/mails.html", context, status=status)
