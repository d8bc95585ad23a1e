"""What a payer would see of a link while its form is still being filled in."""

from typing import Any

from dashboard.links import LinkForm
from payments.forms import PayForm
from payments.methods import Method
from payments.models import Link
from payments.money import MAX_PAISE, MIN_PAISE


def preview_of(form: LinkForm) -> dict[str, Any]:
    """The page that these terms would make; what is not valid yet is left out."""
    terms = _terms_so_far(form)
    fixed = terms.get("amount_is") != "open"
    return {
        "description": terms.get("description"),
        "amount_paise": terms.get("amount") if fixed else None,
        "open": not fixed,
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


def _asked(form: LinkForm, terms: dict[str, Any], *, with_amount: bool) -> PayForm:
    """The payer's own form, of a link that is not made yet: looked at, never sent."""
    asked = ("ask_name", "ask_email", "ask_phone")
    link = Link(
        amount_paise=None if with_amount else MIN_PAISE,
        min_paise=terms.get("least") or MIN_PAISE,
        max_paise=terms.get("most") or MAX_PAISE,
        suggestions=terms.get("suggestions") or [],
        questions=form.questions,
        **{name: terms.get(name) or Link.Asked.NO for name in asked},
    )
    return PayForm(link=link, auto_id="preview_%s", prefix="preview", use_required_attribute=False)
