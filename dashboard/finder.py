"""What a list is narrowed to: the address bar, and operators typed in the search.

`status:failed amount:>5000 method:upi kumar`: what has a colon is an operator, everything else is
looked for. What cannot be understood is refused with words that say what can.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.methods import Method
from payments.models import Link
from payments.money import BadAmount, format_inr, parse_inr
from payments.searching import MOST_TERMS, Term, terms_of
from payments.selecting import NO, YES, Narrowed, Selection
from tenants.current import today

LONGEST_SEARCH: Final = 200
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
PAISA: Final = 1

Days = tuple[date, date]
Pairs = list[tuple[str, str]]
Values = Iterator[tuple[str, Any]]


def _this_month(day: date) -> Days:
    return day.replace(day=1), day


def _last_month(day: date) -> Days:
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _financial_year(day: date) -> Days:
    """From the first of April."""
    return date(day.year if day.month >= 4 else day.year - 1, 4, 1), day


def _back(first: int, last: int = 0) -> Callable[[date], Days]:
    return lambda day: (day - timedelta(days=first), day - timedelta(days=last))


# What moves with the day. A saved view keeps the word, not the days.
PERIODS: Final[dict[str, tuple[Any, Callable[[date], Days]]]] = {
    "today": (gettext_lazy("Today"), _back(0)),
    "yesterday": (gettext_lazy("Yesterday"), _back(1, 1)),
    "7days": (gettext_lazy("Last 7 days"), _back(6)),
    "30days": (gettext_lazy("Last 30 days"), _back(29)),
    "month": (gettext_lazy("This month"), _this_month),
    "last_month": (gettext_lazy("Last month"), _last_month),
    "year": (gettext_lazy("This financial year"), _financial_year),
}
METHODS: Final = [(method.value, method.label) for method in Method if method.value]
CARDS: Final = (Method.CREDIT_CARD.value, Method.DEBIT_CARD.value)

# One piece of what was typed: an operator with its value, words in a row, or a word.
_PIECE: Final = re.compile(r'([^\s":]+):("[^"]*"?|\S*)|"[^"]*"?|\S+')
_RANGE: Final = re.compile(r"(>=|<=|>|<)?([0-9]+(?:\.[0-9]+)?)|([0-9.]+?)\.\.([0-9.]+)")


class DayField(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(input_formats=["%Y-%m-%d"], widget=widget, **kwargs)


class AmountField(forms.CharField):
    """Rupees as they are typed; cleaned to paise, or None."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"inputmode": "decimal", "class": "rupees"}
        super().__init__(widget=forms.TextInput(attrs=attributes), max_length=12, **kwargs)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value).replace(",", "").removeprefix("₹").strip()
        if not text:
            return None
        try:
            return parse_inr(text)
        except BadAmount:
            raise forms.ValidationError(_("Write an amount as 500 or 499.50.")) from None


@dataclass(frozen=True)
class Chip:
    """Something that narrows the list, in words, and the query without it."""

    words: Any
    query: str


N = TypeVar("N", bound=Narrowed)


class Finder(forms.Form):
    """The form of a list that is narrowed. Each list says which `operators` can be typed, how a
    filter is said `in_words`, and its fields in `groups` as they stand together."""

    operators: ClassVar[Mapping[str, Callable[[str], Values]]]
    in_words: ClassVar[Mapping[str, Callable[[str], Any]]]
    groups_of: ClassVar[tuple[tuple[str, ...], ...]]
    example: ClassVar[str]

    q = forms.CharField(
        label=gettext_lazy("Search"), max_length=LONGEST_SEARCH, required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    method = forms.MultipleChoiceField(
        label=gettext_lazy("Method"),
        choices=METHODS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    min = AmountField(label=gettext_lazy("Amount from"), required=False)
    max = AmountField(label=gettext_lazy("Amount to"), required=False)
    link = forms.UUIDField(required=False, widget=forms.HiddenInput)
    period = forms.ChoiceField(
        choices=[("", ""), *((name, words) for name, (words, _days) in PERIODS.items())],
        required=False,
        widget=forms.HiddenInput,
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["from"] = DayField(label=gettext_lazy("From"), required=False)
        self.fields["to"] = DayField(label=gettext_lazy("To"), required=False)

    @classmethod
    def asked_in(cls, query: QueryDict) -> str:
        """What of an address is said to the form, and the columns that it passes on: the same for
        all pages of a list."""
        names = (*cls.base_fields, "from", "to", "columns")
        return urlencode([(name, value) for name in names for value in query.getlist(name)])

    def selection(self, live: bool) -> Any:
        """What was asked for, in one of the merchant's worlds. Only of a valid form."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Merge what the operators say into the fields, then see that it makes sense."""
        cleaned: dict[str, Any] = self.cleaned_data
        operators, rest = _taken_apart(cleaned.get("q", ""))
        for name, value in operators:
            try:
                for field, new in self._operator(name, value):
                    _merge(cleaned, field, new)
            except forms.ValidationError as error:
                self.add_error("q", error)
        cleaned["words"] = self.words_of(rest)
        self._check_order(cleaned)
        return cleaned

    def words_of(self, text: str) -> tuple[str, ...]:
        """What is looked for, of what was typed beside operators."""
        terms = terms_of(text)
        if len(terms) > MOST_TERMS:
            self.add_error("q", _("Search for at most %s words at once.") % MOST_TERMS)
        short = [term for term in terms if not Term(term).is_searchable]
        if short:
            words = _("“%s” is too short to look for: give at least two letters or four digits.")
            self.add_error("q", words % short[0])
        return terms

    def _operator(self, name: str, value: str) -> Values:
        """The fields that an operator means. Raises ValidationError."""
        if name not in self.operators:
            words = _(
                "“%(name)s:” is no operator. There are %(known)s. Put other colons in quotes."
            )
            known = listed(self.operators)
            raise forms.ValidationError(words % {"name": name, "known": known})
        yield from self.operators[name](value)

    def _check_order(self, cleaned: dict[str, Any]) -> None:
        first, last = cleaned.get("from"), cleaned.get("to")
        for name, day in (("from", first), ("to", last)):
            if day and not EARLIEST <= day <= LATEST:
                self.add_error(name, _("Choose a day between 2000 and 2099."))
        if first and last and first > last:
            self.add_error("to", _("Choose a day that is not before the first."))
        least, most = cleaned.get("min"), cleaned.get("max")
        if least is not None and most is not None and least > most:
            self.add_error("max", _("Give an amount that is not less than the first."))

    @property
    def moving_period(self) -> str:
        """The word of a period that moves with the day, unless days are given."""
        days = self.cleaned_data["from"], self.cleaned_data["to"]
        return "" if any(days) else str(self.cleaned_data["period"])

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day, of a period as they are today."""
        if self.moving_period:
            return PERIODS[self.moving_period][1](today())
        return self.cleaned_data["from"], self.cleaned_data["to"]

    @property
    def groups(self) -> list[list[forms.BoundField]]:
        return [[self[name] for name in group] for group in self.groups_of]

    def pairs(self) -> Pairs:
        """Names and values of the address bar, operators as the fields that they are, and a period
        by its word."""
        pairs: Pairs = [*self.selection(live=False).pairs()]
        if self.moving_period:
            pairs = [pair for pair in pairs if pair[0] not in ("from", "to")]
            pairs.insert(0, ("period", self.moving_period))
        return pairs

    @property
    def query(self) -> str:
        """As it stands in the address bar, canonical; it keeps a moving period."""
        return urlencode(self.pairs())

    def periods(self) -> list[Chip]:
        """The quick choices of days, each with the query that has it instead of what days there
        are."""
        if not self.is_valid():
            return []
        days = ("from", "to", "period")
        rest = [pair for pair in self.pairs() if pair[0] not in days]
        return [
            Chip(words, urlencode([("period", name), *rest]))
            for name, (words, _) in PERIODS.items()
        ]

    def selected(self, kind: type[N], live: bool) -> N:
        """What the fields of a valid form come to."""
        said, (first, last) = self.cleaned_data, self.days
        return kind(
            live=live,
            states=tuple(dict.fromkeys(said["status"])),
            methods=tuple(dict.fromkeys(said["method"])),
            first=first,
            last=last,
            min_paise=said["min"],
            max_paise=said["max"],
            link_id=said["link"],
            words=said["words"],
            **{name: said[name] for name in kind.own},
        )

    def chips(self) -> list[Chip]:
        """All that narrows the list, each with the query that has it no more."""
        pairs = [pair for pair in self.pairs() if pair[0] != "q"]
        words = self.cleaned_data["words"]
        chips = [
            Chip(self._said(*pair), _query([other for other in pairs if other != pair], words))
            for pair in pairs
        ]
        return chips + [
            Chip(_("Has “%s”") % word, _query(pairs, [w for w in words if w != word]))
            for word in words
        ]

    def _said(self, name: str, value: str) -> str:
        """A filter as people say it."""
        return str((SAID | {**self.in_words})[name](value))


def _merge(cleaned: dict[str, Any], field: str, new: Any) -> None:
    old = cleaned.get(field)
    if isinstance(new, list):
        cleaned[field] = [*dict.fromkeys([*(old or []), *new])]
    elif old not in (None, "", new):
        raise forms.ValidationError(_("It is said twice, and differently: %s.") % field)
    else:
        cleaned[field] = new


def _query(pairs: Iterable[tuple[str, str]], words: Iterable[str]) -> str:
    searched = Selection(live=False, words=tuple(words)).pairs()
    return urlencode([*pairs, *searched])


def _link_name(id: str) -> str:
    found = Link.objects.filter(pk=id).values_list("description", flat=True).first()
    return found or _("unknown")


def _at_least(paise: int) -> str:
    """A paisa more than whole rupees is how `amount:>500` is kept."""
    if paise % 100 == PAISA:
        return _("More than %s") % format_inr(paise - PAISA)
    return _("At least %s") % format_inr(paise)


def _at_most(paise: int) -> str:
    if (paise + PAISA) % 100 == 0:
        return _("Less than %s") % format_inr(paise + PAISA)
    return _("At most %s") % format_inr(paise)


SAID: Final[dict[str, Callable[[str], Any]]] = {
    "method": lambda value: dict(METHODS)[value],
    "period": lambda value: PERIODS[value][0],
    "from": lambda value: _("From %s") % format_date(date.fromisoformat(value), "j M Y"),
    "to": lambda value: _("To %s") % format_date(date.fromisoformat(value), "j M Y"),
    "min": lambda value: _at_least(parse_inr(value)),
    "max": lambda value: _at_most(parse_inr(value)),
    "link": lambda value: _("Link: %s") % _link_name(value),
}


def _taken_apart(text: str) -> tuple[list[tuple[str, str]], str]:
    """The operators with their values, and the rest as it was typed."""
    operators, rest = list[tuple[str, str]](), list[str]()
    for match in _PIECE.finditer(text):
        if match[1]:
            operators.append((match[1].lower(), match[2].strip('"').strip()))
        else:
            rest.append(match[0])
    return operators, " ".join(rest)


def choices(
    field: str, value: str, choices: list[tuple[str, Any]], more: dict[str, tuple[str, ...]]
) -> Values:
    """By their words, or as they are called on the screen."""
    known = {word: (word,) for word, _label in choices} | more
    labels = {_as_word(str(label)): (word,) for word, label in choices}
    words = [_as_word(word) for word in value.split(",")]
    if wrong := [word for word in words if word not in labels | known]:
        raise _not_there(field, wrong[0], known)
    yield field, [each for word in words for each in (labels | known)[word]]


def _as_word(text: str) -> str:
    return re.sub("[ -]+", "_", text.strip().lower())


def yes_or_no(field: str, value: str) -> Values:
    if value.lower() not in (YES, NO):
        raise _not_there(field, value, (YES, NO))
    yield field, value.lower()


def field(name: str, value: str, kind: forms.Field) -> Values:
    try:
        yield name, kind.clean(value)
    except forms.ValidationError as error:
        raise forms.ValidationError(f"{name}: {error.messages[0]}") from None


def amounts(value: str) -> Values:
    """`500` exactly, `>500`, `<=500`, `100..500`."""
    match = _RANGE.fullmatch(value.replace(",", "").replace("₹", ""))
    try:
        if match and match[3]:
            yield from (("min", parse_inr(match[3])), ("max", parse_inr(match[4])))
        elif match:
            yield from _compared(match[1], parse_inr(match[2]))
    except BadAmount:
        match = None
    if match is None:
        words = _("amount: takes 500, >500, >=500, <500, <=500 or 100..500, not “%s”.")
        raise forms.ValidationError(words % value)


def _compared(sign: str | None, paise: int) -> Values:
    if sign == "<" and not paise:
        raise BadAmount("less than nothing")
    if sign in (None, ">", ">="):
        yield "min", paise + PAISA if sign == ">" else paise
    if sign in (None, "<", "<="):
        yield "max", paise - PAISA if sign == "<" else paise


def _not_there(field: str, value: str, known: Iterable[str]) -> forms.ValidationError:
    words = _("%(field)s: has no “%(value)s”. There are %(known)s.")
    return forms.ValidationError(words % {"field": field, "value": value, "known": listed(known)})


def listed(words: Iterable[str]) -> str:
    return ", ".join(words)


# What every list understands.
OPERATORS: Final[dict[str, Callable[[str], Values]]] = {
    "method": lambda value: choices("method", value, METHODS, {"card": CARDS}),
    "amount": amounts,
    "link": lambda value: field("link", value, forms.UUIDField()),
    "from": lambda value: field("from", value, DayField()),
    "to": lambda value: field("to", value, DayField()),
}
