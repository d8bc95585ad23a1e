"""Fields for what a link offers and asks: the same rules in its form and in a file of links."""

import re
from collections.abc import Container, Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments import questions
from payments.methods import OFFERED
from payments.money import BadAmount, format_inr, parse_inr, plain_inr
from payments.questions import MOST, MOST_CHOICES, Kind, Question

MOST_SUGGESTIONS = 6
SAME_WORDS = gettext_lazy("Another question has these words.")


class SuggestionsField(forms.CharField):
    """Amounts in rupees with commas between; cleans to paise, each once, least first."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=120, required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return ", ".join(plain_inr(paise).removesuffix(".00") for paise in value)

    def clean(self, value: Any) -> list[int]:
        parts = [part.strip() for part in super().clean(value).split(",")]
        try:
            found = sorted({parse_inr(part) for part in parts if part})
        except BadAmount as error:
            raise ValidationError(
                _("Enter amounts in rupees with commas between, such as 100, 250, 500.")
            ) from error
        if len(found) > MOST_SUGGESTIONS:
            most = {"most": MOST_SUGGESTIONS}
            raise ValidationError(_("Suggest at most %(most)s amounts.") % most)
        return found


def refuse_outside(suggestions: Iterable[int], low: int, high: int) -> None:
    """Raise ValidationError unless a payer may enter each of these amounts."""
    if not all(low <= paise <= high for paise in suggestions):
        limits = {"low": format_inr(low), "high": format_inr(high)}
        raise ValidationError(_("Suggest amounts from %(low)s to %(high)s.") % limits)


def methods_in_order(chosen: Container[str]) -> list[str]:
    """The chosen ways to pay, as a link keeps them."""
    return [method.value for method in OFFERED if method in chosen]


class MethodsField(forms.CharField):
    """Ways to pay in one cell, with commas between; cleans to what a link keeps, [] for all."""

    def clean(self, value: Any) -> list[str]:
        chosen = {"_".join(part.lower().split()) for part in super().clean(value).split(",")} - {""}
        if chosen - {method.value for method in OFFERED}:
            known = {"known": ", ".join(OFFERED)}
            raise ValidationError(_("Enter these words, with commas between: %(known)s.") % known)
        return methods_in_order(chosen)


class QuestionForm(forms.Form):
    """One question of a link. Without words it is none."""

    use_required_attribute = False

    label = forms.CharField(
        label=gettext_lazy("What you ask"),
        max_length=60,
        required=False,
        # A placeholder tells CSS whether something was typed.
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Size, roll number, batch…")}),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Answered by"),
        choices=Kind.choices,
        initial=Kind.TEXT,
        required=False,
    )
    required = forms.BooleanField(label=gettext_lazy("Must be answered"), required=False)
    choices = forms.CharField(
        label=gettext_lazy("Choices, one on each line"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @classmethod
    def of(cls, asked: dict[str, Any], data: Any, prefix: str) -> "QuestionForm":
        """The form of a question as a link keeps it, or of none."""
        lines = "\n".join(asked.get("choices", ()))
        return cls(data, prefix=prefix, initial=asked | {"choices": lines})

    def clean_choices(self) -> list[str]:
        choices = said_in(self.cleaned_data["choices"].splitlines())
        if self.cleaned_data.get("label") and self.cleaned_data.get("kind") == Kind.CHOICE:
            refuse_choices(choices)
        return choices

    @property
    def question(self) -> Question | None:
        """The question, as far as the form is valid; None where none is asked."""
        sent = self.cleaned_data
        if self.errors or not sent["label"]:
            return None
        kind = sent["kind"] or Kind.TEXT
        choices = sent["choices"] if kind == Kind.CHOICE else []
        return Question(sent["label"], kind, sent["required"], choices)

    @property
    def is_open(self) -> bool:
        return bool(self["label"].value() or self.errors)


def said_in(parts: Iterable[str]) -> list[str]:
    """The parts that say something."""
    return [part.strip() for part in parts if part.strip()]


def refuse_choices(choices: Sequence[str]) -> None:
    """Raise ValidationError unless a payer can choose among these."""
    if not 2 <= len(choices) <= MOST_CHOICES:
        most = {"most": MOST_CHOICES}
        raise ValidationError(_("Give from 2 to %(most)s choices, one on each line.") % most)
    if len(set(choices)) < len(choices):
        raise ValidationError(_("Two of these choices are the same."))
    if any(len(choice) > 80 for choice in choices):
        raise ValidationError(_("A choice has at most 80 characters."))


class QuestionsField(forms.CharField):
    """A link's questions in one cell, with semicolons between, each perhaps with its kind in
    brackets: `Roll number (number, required); Size (choice: S | M); Batch`. Cleans to what a link
    keeps."""

    SHAPE = re.compile(r"(?P<label>.*?)(?:\((?P<kind>[^():]*)(?::(?P<choices>[^()]*))?\))?")

    def clean(self, value: Any) -> list[dict[str, Any]]:
        asked = [_question(part) for part in said_in(super().clean(value).split(";"))]
        if len(asked) > MOST:
            raise ValidationError(_("Ask at most %(most)s questions.") % {"most": MOST})
        if len({each.label.casefold() for each in asked}) < len(asked):
            raise ValidationError(SAME_WORDS)
        return questions.stored(asked)


def _question(text: str) -> Question:
    """One question out of a cell, by the rules of its form. Raises ValidationError."""
    shape = QuestionsField.SHAPE.fullmatch(text)
    words = said_in((shape["kind"] or "").lower().split(",")) if shape else []
    kind = [word for word in words if word != "required"] or [Kind.TEXT]
    label = QuestionForm.base_fields["label"].clean(shape["label"] if shape else "")
    choices = said_in((shape["choices"] or "").split("|")) if shape else []
    if not label or kind not in [[word] for word in Kind] or (kind != [Kind.CHOICE] and choices):
        raise ValidationError(
            _("Write questions such as “Roll number (number, required); Size (choice: S | M)”.")
        )
    if kind == [Kind.CHOICE]:
        refuse_choices(choices)
    return Question(label, kind[0], "required" in words, choices)
