"""`make messages`: the words that people read, gathered from their sources for the translator.

There are two catalogues: locale/hi holds what payers read, which must be whole at any time;
locale/team/hi holds what a merchant's team reads in the dashboard besides, where a text that is
not translated yet is shown in English. Needs no gettext.
"""

import ast
import re
import struct
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import django
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATES: Final = ROOT / "templates"
PO: Final = ROOT / "locale/hi/LC_MESSAGES/django.po"
MO: Final = PO.with_suffix(".mo")
TEAM_PO: Final = ROOT / "locale/team/hi/LC_MESSAGES/django.po"
TEAM_MO: Final = TEAM_PO.with_suffix(".mo")

# Where payers' templates begin; what they extend, include or draw by a tag is found from there.
PAGES: Final = (
    *("pay/**/*.html", "400.html", "403.html", "404.html", "500.html", "503.html"),
    *("ui/form.html", "ui/field.html", "django/forms/**/*.html"),
    *("emails/receipt*", "emails/payer_*", "layouts/email.*"),
)
MODULES: Final = (
    *("config/errors.py", "config/forms.py", "config/middleware.py"),
    *("payments/collecting.py", "payments/forms.py", "payments/methods.py"),
    *("payments/models/payment.py", "payments/models/refund.py", "payments/questions.py"),
    *("payments/reasons.py", "payments/receipt*.py", "payments/views.py"),
)
# Of modules that are mostly the team's or the staff's: these classes and constants alone.
PARTS: Final = {
    "dashboard/templatetags/ui.py": ("REFUND_STATES",),
    "merchants/models.py": ("PHONE",),
    "tenants/models.py": ("Reason",),
}
# What the team reads, as the same kinds of places. Most pages about a person's own account are
# English, as are those of the platform.
TEAM_PAGES: Final = (
    *("dashboard/**/*.html", "merchants/*.html", "ui/*.html", "account/language.html"),
    *("emails/*", "account/email/*", "mfa/email/*"),
)
TEAM_MODULES: Final = (
    *("dashboard/**/*.py", "merchants/*.py", "payments/**/*.py"),
    *("tenants/access.py", "tenants/models.py"),
)
# Django's own Hindi is old, and wrong in places: what payers may read of it is told anew here.
DJANGO: Final = Path(django.__file__).parent
DATES: Final = ("MONTHS", "MONTHS_3", "WEEKDAYS")
ERRORS: Final = {
    "core/validators.py": (
        *("Ensure this value has at most ", "Ensure this value has at least "),
        *("Ensure this value is less ", "Ensure this value is greater ", "Ensure that there are "),
        *("Enter a valid value.", "Enter a valid email ", "Enter a valid integer."),
        *("Enter a number.", "Null characters "),
    ),
    "forms/fields.py": (
        *("This field is required.", "Enter a whole number.", "Enter a number."),
        *("Enter a valid date.", "Select a valid choice. %(value)s "),
    ),
}
# Where the texts stand among the arguments: the message's context, itself and its plural.
CALLS: Final = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
LITERAL: Final = r"u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
CALL_IN_TEMPLATE = re.compile(rf"\b(?:n?p?gettext|_)\({LITERAL}(?:, {LITERAL})*(?:, ?count)?\)")
NAMES_TEMPLATE = re.compile(r"\{%\s*(?:extends|include)\s+\"([^\"]+)\"")
TAG = re.compile(r"\{%\s*(\w+)")
STRING = re.compile(r'"((?:\\.|[^"\\])*)"')
HEADER: Final = (
    "Language: hi\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
)

Key = tuple[str, str]


@dataclass(frozen=True)
class Message:
    """A text in English, and what it is in Hindi: one form, or two where there is a plural."""

    context: str
    text: str
    plural: str = ""
    sources: tuple[str, ...] = ()
    hindi: tuple[str, ...] = field(default=())

    @property
    def key(self) -> Key:
        return (self.context, self.text)

    @property
    def translated(self) -> bool:
        return len(self.hindi) == (2 if self.plural else 1) and all(self.hindi)


def found() -> dict[Key, Message]:
    """Every message in payers' sources, not translated."""
    return _gathered(_everywhere())


def _gathered(everywhere: Iterable[tuple[str, Message]]) -> dict[Key, Message]:
    messages: dict[Key, Message] = {}
    for name, message in everywhere:
        known = messages.get(message.key, message)
        plural = known.plural or message.plural
        sources = tuple(dict.fromkeys((*known.sources, name)))
        messages[message.key] = replace(known, plural=plural, sources=sources)
    return messages


def found_for_the_team() -> dict[Key, Message]:
    """Every message in the team's sources that payers' have not, not translated."""
    payers = found()
    return {key: each for key, each in _gathered(_of_the_team()).items() if key not in payers}


def in_hindi(messages: Mapping[Key, Message], known: Mapping[Key, Message]) -> list[Message]:
    """The messages, as far as they are known in Hindi."""
    return [
        replace(message, hindi=known[key].hindi if key in known else ())
        for key, message in messages.items()
    ]


def templates(pages: Iterable[str] = PAGES) -> list[Path]:
    """The templates that a payer, or whoever reads these pages, may get to see, those they are
    made of among them."""
    seen: dict[Path, None] = {}
    waiting = _matching(TEMPLATES, pages)
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen[path] = None
            waiting += _made_of(path.read_text())
    return sorted(seen)


def read(text: str) -> dict[Key, Message]:
    """The messages of a .po file; one that is fuzzy counts as not translated."""
    messages = (_entry(block) for block in re.split(r"\n\s*\n", text) if 'msgid "' in block)
    return {message.key: message for message in messages if message.text}


def written(messages: Iterable[Message]) -> str:
    """A .po file of these messages. Reads back as they are."""
    blocks = [f'msgid ""\nmsgstr {_quoted(HEADER)}\n']
    for message in messages:
        lines = [f"#: {' '.join(message.sources)}"]
        lines += ["#, python-format"] if "%(" in message.text else []
        lines += [f"msgctxt {_quoted(message.context)}"] if message.context else []
        lines += [f"msgid {_quoted(message.text)}"]
        if message.plural:
            one, other = (*message.hindi, "", "")[:2]
            lines += [f"msgid_plural {_quoted(message.plural)}"]
            lines += [f"msgstr[0] {_quoted(one)}", f"msgstr[1] {_quoted(other)}"]
        else:
            lines += [f"msgstr {_quoted(''.join(message.hindi))}"]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def compiled(messages: Iterable[Message]) -> bytes:
    """The .mo file of what is translated of these messages, as gettext lays it out."""
    pairs = sorted((_mo_key(message), "\0".join(message.hindi).encode())
                   for message in messages if message.translated)  # fmt: skip
    pairs.insert(0, (b"", HEADER.encode()))
    texts = [key for key, _ in pairs] + [value for _, value in pairs]
    start = 28 + 8 * len(texts)
    table, body = b"", b""
    for text in texts:
        table += struct.pack("<II", len(text), start + len(body))
        body += text + b"\0"
    count = len(pairs)
    return struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, start) + table + body


def name_of(node: ast.AST) -> str:
    """The name of a class or constant that is made here; "" of anything else."""
    match node:
        case (
            ast.ClassDef(name=name)
            | ast.Assign(targets=[ast.Name(id=name)])
            | ast.AnnAssign(target=ast.Name(id=name))
        ):
            return name
    return ""


def main() -> int:
    """Bring both catalogues up to date; say what went and what waits to be translated."""
    waiting = _bring_up(found(), PO, MO)
    _bring_up(found_for_the_team(), TEAM_PO, TEAM_MO)
    return 1 if waiting else 0


def _bring_up(messages: Mapping[Key, Message], po: Path, mo: Path) -> int:
    """Returns how many are not translated."""
    known = read(po.read_text()) if po.exists() else {}
    merged = in_hindi(messages, known)
    po.parent.mkdir(parents=True, exist_ok=True)
    po.write_text(written(merged))
    mo.write_bytes(compiled(merged))
    for key in sorted(known.keys() - messages.keys()):
        print(f"no longer used: {key[1]!r} (was {known[key].hindi})")
    waiting = [message for message in merged if not message.translated]
    for message in waiting:
        print(f"not translated: {message.text!r} ({', '.join(message.sources)})")
    print(f"{len(merged)} messages, {len(waiting)} of them not translated, in {po}")
    return len(waiting)


def _everywhere() -> Iterator[tuple[str, Message]]:
    """Every message with the name of the file that it stands in; some more than once."""
    for path in templates():
        yield from ((_named(path), message) for message in _in_template(path))
    for path in _matching(ROOT, MODULES):
        yield from ((_named(path), message) for message in _in_module(path))
    for name, parts in PARTS.items():
        yield from ((name, message) for message in _in_module(ROOT / name, parts))
    for message in _in_module(DJANGO / "utils/dates.py", DATES):
        yield "django/utils/dates.py", message
    for name, starts in ERRORS.items():
        for message in _in_module(DJANGO / name):
            if message.text.startswith(starts):
                yield f"django/{name}", message


def _of_the_team() -> Iterator[tuple[str, Message]]:
    for path in templates(TEAM_PAGES):
        yield from ((_named(path), message) for message in _in_template(path))
    for path in _matching(ROOT, TEAM_MODULES):
        yield from ((_named(path), message) for message in _in_module(path))


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _matching(root: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted(path for pattern in patterns for path in root.glob(pattern) if path.is_file())


def _made_of(source: str) -> list[Path]:
    """The templates that this one names, and those that a tag of ours draws."""
    names = NAMES_TEMPLATE.findall(source) + [f"ui/{tag}.html" for tag in TAG.findall(source)]
    return [TEMPLATES / name for name in names if (TEMPLATES / name).is_file()]


def _in_template(path: Path) -> Iterator[Message]:
    for call in CALL_IN_TEMPLATE.finditer(templatize(path.read_text())):
        yield from _calls(ast.parse(call[0]))


def _in_module(path: Path, parts: Container[str] = ()) -> Iterator[Message]:
    """The messages of a module, or of the parts of these names in it."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if parts else [tree]:
        if not parts or name_of(node) in parts:
            yield from _calls(node)


def _calls(tree: ast.AST) -> Iterator[Message]:
    """What is handed to gettext; raises TypeError for what is not written out there."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=args) if name in CALLS:
                context, text, plural = (_text(args, place) for place in CALLS[name])
                yield Message(context, text, plural)


def _text(args: list[ast.expr], place: int | None) -> str:
    if place is None:
        return ""
    value = ast.literal_eval(args[place])
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _entry(block: str) -> Message:
    parts: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("#"):
            continue
        name = line.split(" ", 1)[0] if line.startswith("msg") else name
        parts[name] = parts.get(name, "") + _unquoted(line)
    hindi = tuple(words for name, words in parts.items() if name.startswith("msgstr"))
    fuzzy = re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE)
    sources = tuple(" ".join(re.findall(r"^#: (.*)", block, re.MULTILINE)).split())
    return Message(
        context=parts.get("msgctxt", ""),
        text=parts["msgid"],
        plural=parts.get("msgid_plural", ""),
        sources=sources,
        hindi=() if fuzzy or not any(hindi) else hindi,
    )


def _mo_key(message: Message) -> bytes:
    context = f"{message.context}\4" if message.context else ""
    plural = f"\0{message.plural}" if message.plural else ""
    return f"{context}{message.text}{plural}".encode()


def _quoted(text: str) -> str:
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(raw, escaped)
    return f'"{text}"'


def _unquoted(line: str) -> str:
    quoted = STRING.search(line)
    known = {"n": "\n", "t": "\t"}
    return re.sub(r"\\(.)", lambda m: known.get(m[1], m[1]), quoted[1]) if quoted else ""


if __name__ == "__main__":
    sys.exit(main())
