"""What the team writes on payments: notes on one, tags on one or on many."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from dashboard.payment_filter import TagField
from merchants import roles
from payments import annotating
from payments.models import Payment
from tenants.access import WorldRequest, member

MOST_AT_ONCE = 100


class TagForm(forms.Form):
    tag = TagField(label=gettext_lazy("Tag"), max_length=annotating.LONGEST_TAG)


class NoteForm(forms.Form):
    words = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=annotating.LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@member("payments.view")
@require_safe
def tags(request: WorldRequest) -> HttpResponse:
    """The tags there are, each with the payments that have it."""
    context = {"tags": annotating.tags_in_use(request.live), "most": annotating.COUNTED}
    context["may_tag"] = roles.may(request.membership.role, "payments.annotate")
    return render(request, "dashboard/payments/tags.html", context)


@member("payments.annotate")
@require_POST
def tag_picked(request: WorldRequest) -> HttpResponse:
    """Put a tag on the payments that were chosen in the list."""
    form, ids = TagForm(request.POST), _ids(request)
    if not form.is_valid():
        messages.error(request, _said(form, "tag"))
    elif not ids:
        messages.error(request, _("Choose payments first: tick the box in their rows."))
    else:
        name = form.cleaned_data["tag"]
        n = annotating.add_tag(request.live, ids, name, request.user)
        words = ngettext("%(n)s payment is tagged “%(tag)s” now.",
                         "%(n)s payments are tagged “%(tag)s” now.", n)  # fmt: skip
        messages.success(request, words % {"n": n, "tag": name})
    address = reverse("payments", kwargs={"slug": request.tenant.slug, "live": request.live})
    return redirect(f"{address}?{request.POST.get('query', '') or 'all=1'}")


@member("payments.annotate")
@require_POST
def tag(request: WorldRequest, id: UUID) -> HttpResponse:
    """Put a tag on a payment, or take the one named `remove` off it."""
    payment = get_object_or_404(Payment, live=request.live, id=id)
    form = TagForm(request.POST)
    if gone := request.POST.get("remove"):
        annotating.remove_tag(payment, gone, request.user)
    elif form.is_valid():
        annotating.add_tag(request.live, [payment.pk], form.cleaned_data["tag"], request.user)
    else:
        messages.error(request, _said(form, "tag"))
    return _see(request, payment)


@member("payments.annotate")
@require_POST
def note(request: WorldRequest, id: UUID) -> HttpResponse:
    """Append a note to a payment's story."""
    payment = get_object_or_404(Payment, live=request.live, id=id)
    form = NoteForm(request.POST)
    if form.is_valid():
        annotating.add_note(payment, form.cleaned_data["words"], request.user)
        messages.success(request, _("The note is kept."))
    else:
        messages.error(request, _said(form, "words"))
    return _see(request, payment)


def _said(form: forms.Form, field: str) -> str:
    """What is wrong with a field, in words."""
    return str(form.errors[field][0])


def _ids(request: WorldRequest) -> list[UUID]:
    try:
        return [UUID(text) for text in request.POST.getlist("id")[:MOST_AT_ONCE]]
    except ValueError:
        return []


def _see(request: WorldRequest, payment: Payment) -> HttpResponse:
    """Back to the payment, within the list that it was opened from."""
    where = {"slug": request.tenant.slug, "live": request.live, "id": payment.pk}
    query = request.POST.get("query", "")
    return redirect(reverse("payment", kwargs=where) + (f"?{query}" if query else ""))
