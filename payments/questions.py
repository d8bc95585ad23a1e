"""What else a link asks its payers: the merchant's own questions, and how they are answered.

A link keeps its questions as a list of dicts with the members of `Question`; a payment keeps
`[label, answer]` pairs as they were when it was made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext, gettext_lazy

MOST = 8  # questions of a link
MOST_CHOICES = 20


class Kind(models.TextChoices):
    TEXT = "text", gettext_lazy("Text")
    NUMBER = "number", gettext_lazy("Number")
    CHOICE = "choice", gettext_lazy("Choice")
    DATE = "date", gettext_lazy("Date")
    CHECKBOX = "checkbox", gettext_lazy("Checkbox")


@dataclass(frozen=True)
class Question:
    """One question. `choices` belong to kind `choice` alone."""

    label: str
    kind: str = Kind.TEXT
    required: bool = False
    choices: list[str] = field(default_factory=list)


def read(stored: Iterable[Mapping[str, Any]]) -> list[Question]:
    """The questions that a link keeps."""
    return [Question(**each) for each in stored]


def stored(questions: Iterable[Question]) -> list[dict[str, Any]]:
    """Questions as a link keeps them."""
    return [asdict(question) for question in questions]


def name_of(number: int) -> str:
    """The name under which a form sends the answer to the question of this number, from 0."""
    return f"q{number}"


def field_of(question: Question) -> forms.Field:
    """The form field that takes this question's answer."""
    plain: dict[str, Any] = {"label": question.label, "required": question.required}
    match question.kind:
        case Kind.NUMBER:
            return forms.DecimalField(**plain, max_digits=15, decimal_places=4)
        case Kind.DATE:
            return forms.DateField(**plain, widget=forms.DateInput(attrs={"type": "date"}))
        case Kind.CHECKBOX:
            return forms.BooleanField(**plain)
        case Kind.CHOICE:
            choices = [("", "—"), *((choice, choice) for choice in question.choices)]
            return forms.ChoiceField(**plain, choices=choices)
        case _:
            return forms.CharField(**plain, max_length=200)


Answer = str | bool  # that of a checkbox is True; older ones are the English word


def answers(questions: Sequence[Question], cleaned: Mapping[str, Any]) -> list[list[Answer]]:
    """What was answered, out of a valid form's data; empty answers are left out."""
    given = [(each.label, cleaned.get(name_of(n))) for n, each in enumerate(questions)]
    # Not `in`: the number 0 is an answer, and equals False.
    return [
        [label, answer if answer is True else str(answer)]
        for label, answer in given
        if not (answer is None or answer is False or answer == "")
    ]


def in_words(answers: Iterable[Sequence[Answer]]) -> list[tuple[str, str]]:
    """Questions and answers as a payment keeps them, in words of the active language."""
    return [(str(label), gettext("Yes") if answer is True else str(answer))
            for label, answer in answers]  # fmt: skip
