"""The forms that make, change and close a payment link."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.forms import BoundField
from django.utils import dateformat, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.clock import now
from payments import questions
from payments.forms import RupeesField
from payments.link_fields import (
    SAME_WORDS,
    QuestionForm,
    SuggestionsField,
    methods_in_order,
    refuse_outside,
)
from payments.linking import LONGEST_LIFE, RETURN_SCHEMES, Terms, marks_of, terms_of
from payments.methods import OFFERED
from payments.models import Link
from payments.money import MAX_PAISE, MIN_PAISE, format_inr, plain_inr
from payments.questions import MOST

# The year 1 in India is the year before it in UTC, which Python cannot read back.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MOST_PAYMENTS = 100_000
NO_ADDRESS = gettext_lazy("Enter a web address that begins with https://.")


def _amount_like(paise: int) -> forms.TextInput:
    return forms.TextInput(attrs={"placeholder": plain_inr(paise)})


class MomentField(forms.DateTimeField):
    """A time of the merchant's day, to the minute, within ten years from now; or none."""

    def __init__(self, **kwargs: Any) -> None:
        shown = "%Y-%m-%dT%H:%M"
        widget = forms.DateTimeInput(format=shown, attrs={"type": "datetime-local"})
        formats = [shown, "%Y-%m-%dT%H:%M:%S"]
        super().__init__(required=False, input_formats=formats, widget=widget, **kwargs)

    def clean(self, value: Any) -> datetime | None:
        moment: datetime | None = super().clean(value)
        if moment and not EARLIEST < moment < now() + LONGEST_LIFE:
            raise ValidationError(_("Choose a time from the year 2000 on, within ten years."))
        return moment


class AskedField(forms.ChoiceField):
    """Whether payers are asked for something. Not sent: they are not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Link.Asked.choices, required=False, **kwargs)

    def clean(self, value: Any) -> str:
        return super().clean(value) or Link.Asked.NO


@dataclass(frozen=True)
class Group:
    """Fields of a form that are folded away together until somebody wants them."""

    title: Any
    about: Any
    fields: list[BoundField]
    open: bool
    questions: Sequence[QuestionForm] = ()


GROUPS = (
    (
        gettext_lazy("When it takes payments"),
        gettext_lazy("From now on and without end, unless you say so"),
        ("starts_at", "expires_at"),
    ),
    (
        gettext_lazy("What payers are asked"),
        gettext_lazy("Name, e-mail, phone, and questions of your own"),
        ("ask_name", "ask_email", "ask_phone"),
    ),
    (
        gettext_lazy("How it can be paid"),
        gettext_lazy("In every way that Paytm offers, unless you choose"),
        ("methods",),
    ),
    (
        gettext_lazy("After paying"),
        gettext_lazy("Your thanks, and a page of yours to return to"),
        ("thanks", "return_url"),
    ),
    (
        gettext_lazy("For your team alone"),
        gettext_lazy("Reference, notes, and what to do with surplus money"),
        ("reference", "notes", "surplus_policy"),
    ),
)


class LinkForm(forms.Form):
    """The terms of a new link. Its questions are forms of their own, sent with it."""

    description = forms.CharField(
        label=gettext_lazy("What is it for?"),
        max_length=120,
        help_text=gettext_lazy("The payer sees this, such as “Invoice 1042” or “Yoga, March”."),
    )
    amount_is = forms.ChoiceField(
        label=gettext_lazy("Amount"),
        choices=[
            ("fixed", gettext_lazy("I set the amount")),
            ("open", gettext_lazy("The payer enters it")),
        ],
        initial="fixed",
        widget=forms.RadioSelect,
    )
    amount = RupeesField(label=gettext_lazy("Amount to pay"), pasted=True)
    least = RupeesField(
        label=gettext_lazy("At least"), required=False, pasted=True, widget=_amount_like(MIN_PAISE)
    )
    most = RupeesField(
        label=gettext_lazy("At most"), required=False, pasted=True, widget=_amount_like(MAX_PAISE)
    )
    suggestions = SuggestionsField(
        label=gettext_lazy("Amounts to choose from"),
        help_text=gettext_lazy("Up to six, in rupees, with commas between: 100, 250, 500."),
    )
    payments = forms.ChoiceField(
        label=gettext_lazy("How often can it be paid?"),
        choices=[
            ("one", gettext_lazy("Once: an invoice, an order")),
            ("some", gettext_lazy("So many times: seats, places")),
            ("many", gettext_lazy("Any number of times: a shop counter, a donation page")),
        ],
        initial="one",
        widget=forms.RadioSelect,
    )
    times = forms.IntegerField(
        label=gettext_lazy("How many times"),
        min_value=1,
        max_value=MOST_PAYMENTS,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    starts_at = MomentField(label=gettext_lazy("Takes payments from"))
    expires_at = MomentField(label=gettext_lazy("Takes payments until"))
    ask_name = AskedField(label=gettext_lazy("Name"))
    ask_email = AskedField(label=gettext_lazy("E-mail"), initial=Link.Asked.OPTIONAL)
    ask_phone = AskedField(label=gettext_lazy("Phone"))
    methods = forms.MultipleChoiceField(
        label=gettext_lazy("Ways to pay"),
        choices=[(method.value, method.label) for method in OFFERED],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: all of them."),
    )
    thanks = forms.CharField(
        label=gettext_lazy("Your thanks"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("The payer reads this after paying, and on the receipt."),
    )
    return_url = forms.CharField(
        label=gettext_lazy("Address to return to"),
        max_length=400,
        required=False,
        validators=[URLValidator(schemes=RETURN_SCHEMES, message=NO_ADDRESS)],
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
        help_text=gettext_lazy("A page of your own that the payer can go to after paying."),
    )
    reference = forms.CharField(
        label=gettext_lazy("Reference"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("An invoice’s or order’s number in your own books."),
    )
    notes = forms.CharField(
        label=gettext_lazy("Notes"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Payers never see them."),
    )
    surplus_policy = forms.ChoiceField(
        label=gettext_lazy("Money that nobody asked for"),
        choices=Link.SurplusPolicy.choices,
        initial=Link.SurplusPolicy.ASK,
        required=False,
        help_text=gettext_lazy(
            "Somebody may pay another amount, pay twice, or pay after the link was closed."
        ),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        sent = data or {}
        self.fields["amount"].required = sent.get("amount_is") != "open"
        self.fields["times"].required = sent.get("payments") == "some"
        asked = [*self.initial.get("questions", ()), *([{}] * MOST)][:MOST]
        self.question_forms = [
            QuestionForm.of(each, data, prefix=f"ask{n}") for n, each in enumerate(asked)
        ]

    @classmethod
    def empty(cls) -> "LinkForm":
        return cls(initial={"key": uuid.uuid4()})

    @classmethod
    def copy_of(cls, link: Link) -> "LinkForm":
        """For another link with the same terms; times that are over are left out."""
        terms = initial_of(link) | {"key": uuid.uuid4()}
        over = [name for name in ("starts_at", "expires_at") if terms[name] and terms[name] < now()]
        return cls(initial=terms | dict.fromkeys(over))

    def renew_key(self) -> None:
        """Let the form make another link when it is sent again."""
        sent: Any = copy(self.data)  # that of a QueryDict may be changed
        sent["key"] = str(uuid.uuid4())
        self.data = sent

    def clean_starts_at(self) -> Any:
        return self._as_it_was("starts_at")

    def clean_expires_at(self) -> Any:
        moment = self._as_it_was("expires_at")
        if moment and moment <= now() and moment != self.initial.get("expires_at"):
            raise ValidationError(_("Choose a time that is still to come."))
        return moment

    def _as_it_was(self, name: str) -> datetime | None:
        """The time sent, or the link's own where that was sent back: it may have seconds."""
        moment: datetime | None = self.cleaned_data[name]
        before: datetime | None = self.initial.get(name)
        same = before and before.replace(second=0, microsecond=0) == moment
        return before if same else moment

    def clean_methods(self) -> list[str]:
        return methods_in_order(self.cleaned_data["methods"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        self._check_amounts(cleaned)
        starts, ends = cleaned.get("starts_at"), cleaned.get("expires_at")
        if starts and ends and starts >= ends:
            self.add_error("expires_at", _("This is not after the time from which it takes any."))
        if not self._questions_are_valid():
            self.add_error(None, _("Look at what payers are asked: something there is not right."))
        return cleaned

    def _check_amounts(self, cleaned: dict[str, Any]) -> None:
        least, most = cleaned.get("least") or MIN_PAISE, cleaned.get("most") or MAX_PAISE
        if least > most:
            self.add_error("most", _("This is less than the least amount."))
        elif cleaned.get("amount_is") == "open":
            try:
                refuse_outside(cleaned.get("suggestions", ()), least, most)
            except ValidationError as error:
                self.add_error("suggestions", error)

    def _questions_are_valid(self) -> bool:
        known: set[str] = set()
        for form in self.question_forms:
            label = form.cleaned_data.get("label", "").casefold() if form.is_valid() else ""
            if label and label in known:
                form.add_error("label", SAME_WORDS)
            known.add(label)
        return all(form.is_valid() for form in self.question_forms)

    @property
    def questions(self) -> list[dict[str, Any]]:
        """The questions as a link keeps them, as far as they are valid."""
        if not self.is_bound:
            asked: list[dict[str, Any]] = self.initial.get("questions", [])
            return asked
        valid = [form.question for form in self.question_forms if form.is_valid()]
        return questions.stored(each for each in valid if each)

    @property
    def groups(self) -> Iterator[Group]:
        """The fields that most links do without. Open where something is set or wrong."""
        for title, about, names in GROUPS:
            fields = [self[name] for name in names]
            asked = self.question_forms if "ask_name" in names else ()
            is_open = any(map(_is_set, fields)) or any(form.is_open for form in asked)
            yield Group(title, about, fields, is_open, asked)

    @property
    def terms(self) -> Terms:
        """What a valid form asks for; fields of the choice not taken do not count."""
        sent = self.cleaned_data
        fixed = sent["amount_is"] == "fixed"
        same = ["description", "methods", "reference", "notes", "thanks", "return_url"]
        same += ["starts_at", "expires_at", "ask_name", "ask_email", "ask_phone"]
        return Terms(
            amount_paise=sent["amount"] if fixed else None,
            min_paise=MIN_PAISE if fixed else sent["least"] or MIN_PAISE,
            max_paise=MAX_PAISE if fixed else sent["most"] or MAX_PAISE,
            suggestions=[] if fixed else sent["suggestions"],
            questions=self.questions,
            max_payments={"one": 1, "some": sent["times"]}.get(sent["payments"]),
            surplus_policy=sent["surplus_policy"] or Link.SurplusPolicy.ASK,
            **{name: sent[name] for name in same},
        )


def _is_set(field: BoundField) -> bool:
    usual = field.field.initial or (Link.Asked.NO if field.name.startswith("ask_") else None)
    return bool(field.errors) or (field.value() or usual) != usual


class EditLinkForm(LinkForm):
    """Other terms for a link that there is. It remembers those that it was `opened` with."""

    key = None  # type: ignore[assignment]
    opened = forms.JSONField(widget=forms.HiddenInput)

    @classmethod
    def of(cls, link: Link, data: Mapping[str, Any] | None = None) -> "EditLinkForm":
        return cls(data, initial=initial_of(link) | {"opened": marks_of(terms_of(link))})

    def clean_opened(self) -> dict[str, str]:
        opened = self.cleaned_data["opened"]
        if not isinstance(opened, dict):
            raise ValidationError(_("Open this form anew."))
        return opened

    def open_anew(self, link: Link) -> None:
        """Let what is entered replace what the link is now."""
        sent: Any = copy(self.data)  # that of a QueryDict may be changed
        sent["opened"] = json.dumps(marks_of(terms_of(link)))
        self.data = sent


def initial_of(link: Link) -> dict[str, Any]:
    """A link's terms as the fields of its form have them."""
    terms = asdict(terms_of(link))
    often = {None: "many", 1: "one"}.get(link.max_payments, "some")
    return terms | {
        "amount_is": "open" if link.amount_paise is None else "fixed",
        "amount": link.amount_paise,
        "least": None if link.min_paise == MIN_PAISE else link.min_paise,
        "most": None if link.max_paise == MAX_PAISE else link.max_paise,
        "payments": often,
        "times": link.max_payments if often == "some" else None,
    }


FIELD_OF = {
    "amount_paise": "amount",
    "min_paise": "least",
    "max_paise": "most",
    "max_payments": "times",
}


def told_terms(link: Link, names: Iterable[str]) -> list[tuple[Any, str]]:
    """Some of a link's terms as they are: the label of each in the form, and words for it."""
    terms, fields = terms_of(link), LinkForm.base_fields
    labels = {name: fields[FIELD_OF.get(name, name)].label
              for name in names if name != "questions"}  # fmt: skip
    labels |= {name: gettext_lazy("Questions of your own") for name in names if name == "questions"}
    return [(label, _told(name, getattr(terms, name))) for name, label in labels.items()]


def _told(name: str, value: Any) -> str:
    if value in (None, "", []):
        return str(WITHOUT.get(name, "—"))
    match name:
        case "amount_paise" | "min_paise" | "max_paise":
            return format_inr(value)
        case "suggestions":
            return ", ".join(map(format_inr, value))
        case "questions":
            return ", ".join(each["label"] for each in value)
        case "methods":
            return ", ".join(str(method.label) for method in OFFERED if method in value)
        case "starts_at" | "expires_at":
            return dateformat.format(timezone.localtime(value), "j M Y, H:i")
    choices = getattr(LinkForm.base_fields.get(name), "choices", ())
    return str(dict(choices).get(value, value))


WITHOUT = {
    "amount_paise": gettext_lazy("The payer enters it"),
    "max_payments": gettext_lazy("Any number of payments"),
    "methods": gettext_lazy("All that Paytm offers"),
}


class ClosingForm(forms.Form):
    """What payers read on a link that was switched off."""

    closed_words = forms.CharField(
        label=gettext_lazy("A message to payers"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Such as “Sold out. The next batch opens on Monday.”"),
    )
