"""Who did what: every act has words, is narrowed, told before and after, and taken away as CSV."""

import ast
import csv
import io
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from dashboard import activity
from merchants import acts, audit, roles
from merchants.models import AuditEvent, Endpoint
from payments import annotating, export_files
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
