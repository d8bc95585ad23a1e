"""Who did what: every act has words, is narrowed, told before and after, and taken away as CSV."""

import ast
import csv
import io
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from dashboard import activity
from merchants import acts, audit, profile, refund_rules, roles
from merchants.models import AuditEvent, Endpoint
from payments import annotating, export_files, linking
from payments.models import Link, Payment
from payments.refunding import ask_refund
from payments.selecting import Selection
from tenants.current import zone
from tenants.models import Membership, Role, Tenant, User
from tests import cast, make
from tests.conftest import SignIn
from tests.dashboard.conftest import text

pytestmark = pytest.mark.django_db

HERE, FILE = "/m/acme/activity", "/m/acme/activity.csv"
# Acts whose end is a state.
STATES = {"link": Link.State.values, "endpoint": Endpoint.State.values}


def recorded() -> set[str]:
    """Every act that the sources hand to `record`: written out, by state, or by their caller."""
    found: set[str] = set()
    for folder in ("merchants", "payments", "dashboard", "tenants"):
        for path in (settings.ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef):
                    for call in _calls(function, "record"):
                        if len(call.args) >= 3:
                            found |= _acts_of(call.args[1], _handed_to(function.name, tree))
    return found


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [c for c in calls if getattr(c.func, "id", getattr(c.func, "attr", "")) == name]


def _handed_to(function: str, tree: ast.AST) -> set[str]:
    """The words that a function is called with in its module."""
    given = (arg for call in _calls(tree, function) for arg in call.args)
    return {a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)}


def _acts_of(given: ast.expr, handed: set[str]) -> set[str]:
    match given:
        case ast.Constant(value=str(act)):
            return {act}
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue()]):
            return {f"{start}{word}" for word in STATES.get(start.removesuffix("."), handed)}
        case ast.Name():
            return {word for word in handed if "." in word}
    raise AssertionError(ast.unparse(given))


def test_every_act_that_is_recorded_has_words_a_kind_and_a_place() -> None:
    known = recorded()
    assert len(known) > 25
    assert known - set(acts.WORDS) == set()
    assert {acts.kind_of(act) for act in acts.WORDS} == set(acts.KINDS)
    assert {act.partition(".")[0] for act in acts.WORDS} == set(activity.PLACES)


# What is written down of a comprehension's names, by the module that does.
FLAT: dict[str, set[str]] = {
    "payments/linking.py": {field.name for field in fields(linking.Terms)},
    "merchants/profile.py": {field.name for field in fields(profile.Facts)},
    "merchants/refund_rules.py": {"reasons", "approve_above_paise", *refund_rules.CEILINGS},
}


def facts_recorded() -> Iterator[tuple[str, set[str]]]:
    """Each call of `record` in the sources, with the names of what it may write down."""
    for folder in ("merchants", "payments", "dashboard", "tenants"):
        for path in (settings.ROOT / folder).rglob("*.py"):
            tree, where = ast.parse(path.read_text()), str(path.relative_to(settings.ROOT))
            for function in ast.walk(tree):
                for call in _calls(function, "record") if _is_function(function) else ():
                    if len(call.args) >= 3:
                        named = [k.value for k in call.keywords if k.arg in ("before", "after")]
                        keys = [_keys(e, function, tree, where) for e in (*call.args[3:5], *named)]
                        yield f"{where}:{call.lineno}", set[str]().union(*keys)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef)


def _keys(said: ast.expr | None, function: ast.AST, tree: ast.AST, where: str) -> set[str]:
    """The names in what an expression comes to; fails for one that it cannot follow."""
    match said:
        case ast.Dict(keys=keys, values=values):
            own = {key.value for key in keys if isinstance(key, ast.Constant)}
            spread = [v for key, v in zip(keys, values, strict=True) if key is None]
            return {str(name) for name in own}.union(
                *(_keys(each, function, tree, where) for each in spread)
            )
        case ast.IfExp(body=body, orelse=orelse):
            return _keys(body, function, tree, where) | _keys(orelse, function, tree, where)
        case ast.Constant(value=None):
            return set()
        case ast.DictComp() | ast.Call(func=ast.Name(id="asdict" | "_told" | "_change_of_state")):
            flat = FLAT[where]
            return flat | {"state", "closed_words"} if where == "payments/linking.py" else flat
        case ast.Call(func=ast.Name(id=name)):
            [called] = [f for f in ast.walk(tree) if getattr(f, "name", "") == name]
            given = [n.value for n in ast.walk(called) if isinstance(n, ast.Return)]
            return set[str]().union(*(_keys(each, called, tree, where) for each in given))
        case ast.Name(id=name):
            values = [*_assigned(name, function)]
            assert values, f"{where}: where does {name} come from?"
            return set[str]().union(*(_keys(each, function, tree, where) for each in values))
    raise AssertionError(f"{where}: {ast.unparse(said) if said else said}")


def _assigned(name: str, function: ast.AST) -> Iterator[ast.expr | None]:
    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            pairs: list[tuple[ast.AST | None, Any]] = [(target, getattr(node, "value", None))]
            if isinstance(target, ast.Tuple):
                value = pairs[0][1]
                each = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
                pairs = [*zip(target.elts, each, strict=True)]
            yield from (value for t, value in pairs if getattr(t, "id", "") == name)


def test_everything_that_is_recorded_of_an_act_has_a_name_that_people_know() -> None:
    recorded = dict(facts_recorded())
    assert len(recorded) > 25
    unnamed = {at: names - {*activity.FIELDS, *activity.UNSHOWN} for at, names in recorded.items()}
    assert {at: names for at, names in unnamed.items() if names} == {}
    told = {"of", "format", "selection", "count", "query", "payments", "tag", "note", "min_paise"}
    assert told | {"finance_a_day_paise", "legal_name"} <= set[str]().union(*recorded.values())
    assert not [name for name, words in activity.FIELDS.items() if str(words) == name]


def test_every_choice_that_is_recorded_is_told_in_its_words() -> None:
    for name, words in activity.CHOICES.items():
        for value in filter(None, words):
            assert activity.readable(name, value) == str(words[value]) != value


def test_every_act_is_shown_without_a_key_of_ours(
    at_acme: Client, alice: User, in_acme: Tenant
) -> None:
    facts = dict.fromkeys(activity.FIELDS)
    made = [act(alice, what, "x", live=False, before=facts, after={"of": "payments"})
            for what in acts.WORDS]  # fmt: skip
    rows = [activity.row_of(event, "acme") for event in made]
    assert {str(row["what"]) for row in rows} == {str(words) for words in acts.WORDS.values()}
    assert {name for row in rows for name, _, _ in row["changes"]}.isdisjoint(activity.FIELDS)


@pytest.mark.parametrize(
    ("name", "of", "query", "words"),
    [
        ("selection", "payments", "status=paid&min=1000.00", "Paid, At least ₹1,000.00"),
        ("selection", "payments", "", "Everything"),
        ("selection", "refunds", "status=held&reason=Broken", "Waits for approval, Reason: Broken"),
        ("query", "", "period=7days&q=chai", "Last 7 days, Has “chai”"),
        ("query", "", "reason=Broken", "Reason: Broken"),
        ("query", "payments", "reason=Broken", "reason=Broken"),
        ("query", "", "tag=vip&colour=red", "tag=vip&colour=red"),
        ("query", "gone", "status=paid", "status=paid"),
        ("query", "payments", "status=unheard", "status=unheard"),
        ("query", "payments", "link=no-id", "link=no-id"),
        ("query", "payments", "&".join(["status=paid"] * 3000), "status=paid&"),
    ],
)
def test_what_narrows_a_list_is_told_as_its_chips_do_or_else_as_it_stands(
    in_acme: Tenant, name: str, of: str, query: str, words: str
) -> None:
    event = AuditEvent(act="view.shared", after={name: query} | ({"of": of} if of else {}))
    told = activity.readable(name, query, event)
    assert told.startswith(words) if len(query) > 120 else told == words


def test_an_export_is_told_by_its_file_and_an_early_one_by_what_it_is_of(
    at_acme: Client, alice: User, in_acme: Tenant
) -> None:
    asked = Selection(live=False, states=("paid",), min_paise=1000_00)
    file = export_files.ask(asked, "xlsx", [], key="k" * 22, by=alice)
    page = text(at_acme.get(HERE))
    assert f"acme-test-payments-{file.created_at:%Y-%m-%d}.xlsx" in page
    for words in ("Excel (XLSX)", "Paid, At least ₹1,000.00"):
        assert words in page
    for key in ("min=", "<dt>of<", "<dt>count<", "<dt>Rows<"):
        assert key not in page
    early = act(
        alice, "export.made", str(file.pk), subject_id=file.pk, live=False,
        after={"of": "payments", "format": "xlsx"},
    )  # fmt: skip
    told = activity.row_of(early, "acme")["subject"]
    assert told.startswith("Payments, Excel (XLSX), ")
    assert str(early.at.year) in told


def test_every_power_has_words() -> None:
    assert set(roles.PERMISSIONS) <= set(roles.WORDS)


def test_a_refund_says_who_how_much_and_leads_there(
    at_acme: Client, alice: User, paid: Payment
) -> None:
    refund = ask_refund(paid, 120_00, "Broken cup", alice, "k" * 22)
    page = text(at_acme.get(HERE))
    for words in ("Asked for a refund", "Alice", paid.order_id, "₹120.00", "Broken cup"):
        assert words in page
    assert f'href="{reverse("refund", args=["acme", False, refund.pk])}"' in page


def test_what_was_written_on_a_payment_or_made_of_many_leads_there(
    at_acme: Client, alice: User, paid: Payment
) -> None:
    annotating.add_note(paid, "Called back.", alice)
    file = export_files.ask(Selection(live=False), "csv", [], key="k" * 22, by=alice)
    page = text(at_acme.get(HERE))
    for name, thing in (("payment", paid), ("export", file)):
        assert f'href="{reverse(name, args=["acme", False, thing.pk])}"' in page


def test_what_changed_is_told_before_and_after_in_the_merchants_words(
    at_acme: Client, alice: User, acme: Tenant, in_acme: Tenant
) -> None:
    link = make.link()
    audit.record(
        alice,
        "link.changed",
        "Chai",
        {"amount_paise": 500_00, "expires_at": None, "methods": "[]", "ask_name": "no"},
        {
            "amount_paise": 1_50_000_00,
            "expires_at": "2026-11-30T18:29:00+00:00",
            "methods": '["upi", "emi"]',
            "ask_name": "required",
        },
        of=link,
    )
    page = text(at_acme.get(HERE))
    for words in (
        "₹500.00", "₹1,50,000.00", "30 Nov 2026, 23:59", "UPI, EMI", "Not asked", "Must be given",
        "Expires", "Ways to pay",
    ):  # fmt: skip
        assert words in page
    assert reverse("link", args=["acme", False, link.pk]) in page


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("amount_paise", 12345, "₹123.45"),
        ("amount_paise", None, "—"),
        ("legacy_host", True, "Yes"),
        ("legacy_host", False, "No"),
        ("live", False, "Test"),
        ("live", True, "Live"),
        ("role", "finance", "Finance"),
        ("state", "archived", "Archived"),
        ("suggestions", "[10000, 20000]", "₹100.00, ₹200.00"),
        ("questions", '[{"label": "Size", "kind": "text"}]', "Size"),
        ("kinds", "", "Every kind"),
        ("description", "[not json", "[not json"),
        ("merchant_key", "abc123", "•••"),
        ("sealed_secret", "abc123", "•••"),
        ("password", "abc123", "•••"),
        ("of_tomorrow", "x", "x"),
    ],
)
def test_values_are_told_as_people_write_them_and_secrets_never(
    in_acme: Tenant, name: str, value: Any, words: str
) -> None:
    assert activity.readable(name, value) == words


def act(by: User | None, what: str = "team.role", subject: str = "x", **fields: Any) -> AuditEvent:
    """An entry of the record; entries are never changed, so it is made with its time."""
    who = {"by_id": by.pk, "by_name": str(by)} if by else {}
    return AuditEvent.objects.create(act=what, subject=subject, **who, **fields)


def test_it_is_narrowed_by_person_kind_and_the_merchants_days(
    at_acme: Client, alice: User, bob: User, in_acme: Tenant
) -> None:
    midnight = datetime(2026, 11, 10, tzinfo=zone())
    act(alice, "link.created", "Alices link", at=midnight)
    act(alice, "team.role", "the last moment", at=midnight - timedelta(microseconds=1))
    act(bob, "link.created", "Bobs link", at=midnight + timedelta(hours=23, minutes=59))

    def shown(**query: Any) -> set[str]:
        page = text(at_acme.get(HERE, query))
        return {s for s in ("Alices link", "the last moment", "Bobs link") if s in page}

    assert shown() == {"Alices link", "the last moment", "Bobs link"}
    assert shown(person=bob.pk) == {"Bobs link"}
    assert shown(kind="team") == {"the last moment"}
    assert shown(**{"from": "2026-11-10", "to": "2026-11-10"}) == {"Alices link", "Bobs link"}
    assert shown(to="2026-11-09") == {"the last moment"}
    assert at_acme.get(HERE, {"from": "2026-11-10", "to": "2026-11-09"}).status_code == 422
    assert at_acme.get(HERE, {"person": "nobody"}).status_code == 422
    assert at_acme.get(HERE, {"before": "x"}).status_code == 400
    assert "Nothing fits" in text(at_acme.get(HERE, {"person": uuid4()}))


def test_who_has_left_can_still_be_looked_for(at_acme: Client, in_acme: Tenant, bob: User) -> None:
    act(bob, subject="done by Bob")
    Membership.objects.filter(user=bob).delete()
    page = text(at_acme.get(HERE, {"person": bob.pk}))
    assert "done by Bob" in page
    assert f'value="{bob.pk}" selected>Bob' in page


def test_pages_hold_each_act_once_there_and_back(
    at_acme: Client, alice: User, in_acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "SIZE", 3)
    made = [act(alice, subject=f"subject-{n}").pk for n in range(8)]
    seen, address = [], "?"
    while address:
        page = at_acme.get(f"{HERE}{address}").context["page"]
        seen.append([row["id"] for row in page.rows])
        address, newer = page.older, page.newer
    assert [id for rows in seen for id in rows] == made[::-1]
    back = at_acme.get(f"{HERE}{newer}").context["page"]
    assert [row["id"] for row in back.rows] == seen[-2]
    first = at_acme.get(f"{HERE}{back.newer}").context["page"]
    assert [row["id"] for row in first.rows] == seen[0]
    assert not first.newer


def test_the_file_holds_the_selection_guards_formulas_and_comes_in_pieces(
    at_acme: Client, alice: User, bob: User, in_acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "CHUNK", 2)
    for n in range(5):
        act(alice, subject=f"=cmd|{n}")
    act(bob, subject="not asked for")
    answer = at_acme.get(FILE, {"person": alice.pk})
    assert answer.streaming
    lines = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert lines[0] == ["When", "Who", "What", "Subject", "Changes"]
    assert [line[3] for line in lines[1:]] == [f"'=cmd|{n}" for n in (4, 3, 2, 1, 0)]
    assert lines[1][0].endswith("+05:30")
    assert lines[1][2] == "Changed a role"


@pytest.mark.parametrize("role", Role)
def test_owners_and_admins_alone_see_it(acme: Tenant, sign_in: SignIn, role: Role) -> None:
    dora = cast.person("Dora")
    Membership.objects.create(tenant=acme, user=dora, role=role)
    client = sign_in(dora)
    may = role in (Role.OWNER, Role.ADMIN)
    for page in (HERE, FILE):
        assert client.get(page).status_code == (200 if may else 403)
    assert (HERE in client.get("/m/acme/team").content.decode()) is may


def test_each_merchant_has_its_own(
    at_acme: Client, charlie: User, globex: Tenant, in_acme: Tenant, alice: User, sign_in: SignIn
) -> None:
    act(alice, subject="acmes own affair")
    theirs = sign_in(charlie)
    assert theirs.get(HERE).status_code == 404
    for page in ("/m/globex/activity", "/m/globex/activity.csv"):
        answer = theirs.get(page)
        content = b"".join(answer) if answer.streaming else answer.content
        assert b"acmes own affair" not in content


def test_an_empty_record_says_what_will_be_in_it(at_acme: Client) -> None:
    assert "Nothing was changed yet" in text(at_acme.get(HERE))
