"""What a payer would see of a link while its form is still being filled in."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from dashboard.links import LinkForm
from payments import questions
from payments.forms import RupeesField
from payments.methods import Method
from payments.models import Link
from payments.money import MAX_PAISE, MIN_PAISE, format_inr


def preview_of(form: LinkForm) -> dict[str, Any]:
    """The page that these terms would make; what is not valid yet is left out."""
    terms = _terms_so_far(form)
    fixed = terms.get("amount_is") != "open"
    return {
        "description": terms.get("description"),
        "amount_paise": terms.get("amount") if fixed else None,
        "open": not fixed,
        "suggestions": [] if fixed else terms.get("suggestions") or [],
        "asked": _asked(form, terms, with_amount=not fixed),
        "methods": [Method(word).label for word in terms.get("methods") or ()],
        "starts_at": terms.get("starts_at"),
        "expires_at": terms.get("expires_at"),
        "thanks": terms.get("thanks"),
    }


def _terms_so_far(form: LinkForm) -> dict[str, Any]:
    if form.is_bound:
        form.is_valid()
        return form.cleaned_data
    return {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}


def _asked(form: LinkForm, terms: dict[str, Any], *, with_amount: bool) -> forms.Form:
    """The payer's form. Its names are nobody's: it is looked at, never sent."""
    asked = forms.Form(auto_id="preview_%s", prefix="preview", use_required_attribute=False)
    if with_amount:
        asked.fields["amount"] = _amount(terms.get("least"), terms.get("most"))
    for name, field in _contact().items():
        wanted = terms.get(f"ask_{name}") or Link.Asked.NO
        field.required = wanted == Link.Asked.REQUIRED
        if wanted != Link.Asked.NO:
            asked.fields[name] = field
    for number, question in enumerate(questions.read(form.questions)):
        asked.fields[questions.name_of(number)] = questions.field_of(question)
    return asked


def _contact() -> dict[str, forms.Field]:
    return {
        "name": forms.CharField(label=_("Your name")),
        "email": forms.CharField(label=_("Your e-mail")),
        "phone": forms.CharField(label=_("Your phone")),
    }


def _amount(least: int | None, most: int | None) -> RupeesField:
    limits = {"low": format_inr(least or MIN_PAISE), "high": format_inr(most or MAX_PAISE)}
    return RupeesField(label=_("Amount"), help_text=_("From %(low)s to %(high)s.") % limits)
