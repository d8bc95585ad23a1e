"""Words in Hindi: payers' and the team's, all of them, whole, and as the product speaks them."""

import ast
import gettext
import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

from config import messages
from config.messages import (
    MO,
    PO,
    ROOT,
    TEAM_MO,
    TEAM_PO,
    Message,
    compiled,
    found,
    read,
    written,
)

RUN = "run `make messages`, and translate what it names"
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[a-z%]")
DEVANAGARI = re.compile("[\u0900-\u097f]")
DIGITS = re.compile("[\u0966-\u096f]")
AS_IN_ENGLISH = {"UPI", "EMI", "GSTIN", "Paytm ID", "CSV", "PDF", "UTR", "MID", "GST", "Paytm"}
# As the columns of Paytm's own file are called.
AS_IN_ENGLISH |= {"Order ID", "Settled Amount", "Settled Date", "Transaction Amount"}
AS_IN_ENGLISH |= {"Payout Amount", "Transaction ID", "Refund ID"}
TO_THE_TEAM = {
    *("payments/models/event.py", "payments/models/inbox.py", "payments/models/ledger.py"),
    *("payments/models/link.py", "payments/models/settlement.py", "payments/states.py"),
    *("payments/models/export.py", "payments/models/finding.py", "payments/models/report.py"),
    *("payments/batching.py", "payments/link_fields.py"),
    *("payments/exporting.py", "payments/refund_exporting.py", "payments/failures.py"),
}
TEAM_MAILS = {
    *("endpoint_stopped_subject", "invitation_subject", "live_approved_subject"),
    *("payment_paid_subject", "payment_surplus_subject", "refund_done_subject"),
    *("refund_failed_subject", "refund_waits_subject"),
    *("refund_held_subject", "refund_rejected_subject", "refund_rules_subject"),
    "report_subject",
}
KNOWN = read(PO.read_text())
TEAM = read(TEAM_PO.read_text())
# Sources of the team's whose texts may wait to be translated.
MAY_WAIT: tuple[str, ...] = ()


def test_every_word_of_payers_sources_is_translated() -> None:
    assert KNOWN.keys() == found().keys(), RUN
    assert [message.text for message in KNOWN.values() if not message.translated] == [], RUN
    assert len(KNOWN) > 150


def test_every_word_of_the_teams_sources_is_translated() -> None:
    texts = messages.in_hindi(messages.found_for_the_team(), TEAM)
    waiting = [
        each for each in texts if not each.translated and not set(each.sources) <= {*MAY_WAIT}
    ]
    assert not waiting, f"{RUN}: {len(waiting)} of {len(texts)}: {[m.text for m in waiting]}"
    assert len(texts) > 1000


def test_every_translation_is_hindi_and_keeps_what_is_filled_in() -> None:
    """In one test: two thousand would take their time to begin and to end."""
    translated = [*KNOWN.values(), *(message for message in TEAM.values() if message.translated)]
    assert [fault for message in translated for fault in faults_of(message)] == []


def faults_of(message: Message) -> Iterator[str]:
    for words in message.hindi:
        if not DEVANAGARI.search(words) and message.text not in AS_IN_ENGLISH:
            yield f"not in Hindi: {message.text!r}"
        if DIGITS.search(words):  # digits stay Latin, as on bank notes' numbers and in apps
            yield f"digits that are not Latin: {words!r}"
        if words != words.strip():
            yield f"blanks around: {words!r}"
    for source, words in zip((message.text, message.plural), message.hindi, strict=False):
        if Counter(PLACEHOLDER.findall(words)) != Counter(PLACEHOLDER.findall(source)):
            yield f"what is filled in differs: {source!r}, {words!r}"


def test_what_is_spoken_is_what_is_written() -> None:
    assert PO.read_text() == written(messages.in_hindi(found(), KNOWN)), RUN
    assert MO.read_bytes() == compiled(messages.in_hindi(found(), KNOWN)), RUN
    assert TEAM_MO.read_bytes() == compiled(TEAM.values()), RUN
    for file, known in ((MO, KNOWN), (TEAM_MO, TEAM)):
        spoken_as_written(file, [message for message in known.values() if message.translated])


def spoken_as_written(file: Path, known: list[Message]) -> None:
    spoken = gettext.GNUTranslations(BytesIO(file.read_bytes()))
    for message in known:
        if message.plural:
            forms = [spoken.ngettext(message.text, message.plural, n) for n in (1, 2)]
        elif message.context:
            forms = [spoken.pgettext(message.context, message.text)]
        else:
            forms = [spoken.gettext(message.text)]
        assert forms == list(message.hindi)


def test_files_keep_every_kind_of_message() -> None:
    kinds = [
        Message("", 'A "quote"\\ and\ttab\nline', "", ("a.py", "b.py"), ("क",)),
        Message("refund", "Done", "", ("a.py",), ("हो गया",)),
        Message("", "%(n)s day", "%(n)s days", ("a.html",), ("%(n)s दिन", "%(n)s दिन")),
        Message("", "Waits", "", ("a.html",), ()),
        Message("", "One day", "Days", ("a.html",), ()),
    ]
    assert list(read(written(kinds)).values()) == kinds
    spoken = gettext.GNUTranslations(BytesIO(compiled(kinds)))
    assert spoken.pgettext("refund", "Done") == "हो गया"
    assert spoken.ngettext("%(n)s day", "%(n)s days", 2) == "%(n)s दिन"
    assert spoken.gettext("Waits") == "Waits"
    fuzzy = written(kinds[:1]).replace("#: a.py b.py", "#: a.py b.py\n#, fuzzy, python-format")
    assert not next(iter(read(fuzzy).values())).translated


@pytest.mark.parametrize(
    "path",
    messages.templates((*messages.PAGES, *messages.TEAM_PAGES)),
    ids=lambda path: str(path.relative_to(messages.TEMPLATES)),
)
def test_no_text_of_a_template_is_overlooked(path: Path) -> None:
    source = templatize(path.read_text())
    calls = re.findall(r"\b(?:n?p?gettext|_)\((?=u?['\"])", source)
    assert len(messages.CALL_IN_TEMPLATE.findall(source)) == len(calls)


@pytest.mark.parametrize(
    "path",
    sorted(
        {
            path
            for name in (*messages.MODULES, *messages.PARTS, *messages.TEAM_MODULES)
            for path in ROOT.glob(name)
        }
    ),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_text_of_a_module_is_overlooked(path: Path) -> None:
    """Every name that gettext goes by in these modules is one that is looked for."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names = {each.asname or each.name for each in node.names} - {"get_language"}
            assert all(name in messages.CALLS for name in names if "get" in name or "_" in name)


@pytest.mark.parametrize("name", messages.PARTS)
def test_every_part_that_is_named_exists(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text())
    assert set(messages.PARTS[name]) <= {messages.name_of(node) for node in ast.walk(tree)}


@pytest.mark.parametrize("name", messages.ERRORS)
def test_every_error_of_djangos_that_is_named_exists(name: str) -> None:
    texts = [each.text for each in KNOWN.values() if f"django/{name}" in each.sources]
    for start in messages.ERRORS[name]:
        assert any(text.startswith(start) for text in texts), start


def test_whoever_speaks_of_payments_speaks_to_payers_or_to_the_team() -> None:
    """A new module or mail is named on one side or the other."""
    speaks = {
        str(path.relative_to(ROOT))
        for path in ROOT.glob("payments/**/*.py")
        if "django.utils.translation" in path.read_text()
    }
    payers = {str(path.relative_to(ROOT)) for name in messages.MODULES for path in ROOT.glob(name)}
    assert speaks - payers == TO_THE_TEAM
    mails = {path.name.split(".")[0] for path in ROOT.glob("templates/emails/*_subject.txt")}
    assert {mail for mail in mails if not mail.startswith(("receipt", "payer_"))} == TEAM_MAILS


def test_a_module_or_page_that_is_named_exists() -> None:
    coming = ("payments/receipt*.py", "emails/receipt*", "emails/payer_*")
    for root, patterns in ((ROOT, messages.MODULES), (messages.TEMPLATES, messages.PAGES)):
        for pattern in patterns:
            assert pattern in coming or list(root.glob(pattern)), pattern
