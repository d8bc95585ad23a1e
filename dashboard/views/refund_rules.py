"""What the merchant's people may give back, and for which reasons."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from merchants import refund_rules
from merchants.profile import refuse_invisible_lines
from merchants.refund_rules import MOST_REASONS, REASON_LENGTH, Ceiling, Rules, roles_that_refund
from payments.forms import RupeesField
from payments.refund_limits import approvers
from tenants.access import MerchantRequest, member

TWO = 2  # people, of whom one asks and the other approves


class RulesForm(forms.Form):
    """The rules as a person writes them: amounts in rupees, none where there is no limit."""

    reasons = forms.CharField(
        label=gettext_lazy("Reasons to choose from"),
        max_length=MOST_REASONS * (REASON_LENGTH + 2),
        required=False,
        validators=[refuse_invisible_lines],
        help_text=gettext_lazy(
            "One on each line. Left empty, the usual ones are offered. Refunds keep the words that"
            " were chosen."
        ),
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    approve_above = RupeesField(
        label=gettext_lazy("A second person approves above"),
        low=0,
        pasted=True,
        required=False,
        help_text=gettext_lazy(
            "A refund above this waits until an owner or admin who did not ask for it approves it."
            " What one payment gave back without a second person counts together. 0 for every"
            " refund, empty for none."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for role in roles_that_refund():
            self.fields[f"{role}_at_once"] = _limit(_("At once"))
            self.fields[f"{role}_a_day"] = _limit(_("A day, each person"))

    def clean_reasons(self) -> list[str]:
        lines = (" ".join(line.split()) for line in self.cleaned_data["reasons"].splitlines())
        reasons = [*dict.fromkeys(filter(None, lines))]
        if len(reasons) > MOST_REASONS:
            raise ValidationError(_("At most %s reasons.") % MOST_REASONS)
        if any(len(reason) > REASON_LENGTH for reason in reasons):
            raise ValidationError(_("A reason has at most %s characters.") % REASON_LENGTH)
        return [] if reasons == Rules().offered else reasons

    def ceilings(self) -> Iterator[tuple[Any, BoundField, BoundField]]:
        """Each role with its two fields."""
        for role in roles_that_refund():
            yield role.label, self[f"{role}_at_once"], self[f"{role}_a_day"]

    @property
    def rules(self) -> Rules:
        said = self.cleaned_data
        limits = {
            str(role): Ceiling(said[f"{role}_at_once"], said[f"{role}_a_day"])
            for role in roles_that_refund()
        }
        set_ones = {role: limit for role, limit in limits.items() if limit != Ceiling()}
        return Rules(tuple(said["reasons"]), said["approve_above"], set_ones)


@member("refunds.rules", fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: MerchantRequest) -> HttpResponse:
    """Reasons, ceilings of the roles, and above what two people are needed."""
    if request.method != "POST":
        return _page(request, RulesForm(initial=_written(refund_rules.rules())), 200)
    form = RulesForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    refund_rules.change_rules(form.rules, request.user)
    messages.success(request, _("Saved. It holds for every refund from now on."))
    return redirect("settings_refunds", slug=request.tenant.slug)


def _limit(label: str) -> RupeesField:
    field = RupeesField(label=label, low=0, required=False, pasted=True)
    field.widget.attrs["placeholder"] = _("No limit")
    return field


def _written(rules: Rules) -> dict[str, Any]:
    """The rules as the form's initial values."""
    values: dict[str, Any] = {
        "reasons": "\n".join(rules.offered),
        "approve_above": rules.approve_above_paise,
    }
    for role, ceiling in rules.ceilings.items():
        values |= {f"{role}_at_once": ceiling.act_paise, f"{role}_a_day": ceiling.day_paise}
    return values


def _page(request: MerchantRequest, form: RulesForm, status: int) -> HttpResponse:
    limit = refund_rules.rules().approve_above_paise
    context = {"form": form, "too_few": limit is not None and approvers().count() < TWO}
    return render(request, "dashboard/settings/refunds.html", context, status=status)
