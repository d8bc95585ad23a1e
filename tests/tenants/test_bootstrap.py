"""`manage.py bootstrap`, run as an operator does, and the instance that it sets up."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from tests import production
from tests.forms import read_form
from tests.mail_server import mail_server
from tests.pooler import pooler_before
from tests.ports import free_ports
from tests.terminal import talk

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
ADMIN = "ops@example.com"
BOOTSTRAP = ("manage.py", "bootstrap")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with production.own_database() as url:
        yield url


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, database: str) -> dict[str, str]:
    """The variables of an instance whose schemas are there."""
    environment = production.safe(tmp_path_factory.mktemp("instance"), DATABASE_URL=database)
    assert production.run(environment, "manage.py", "prepare").returncode == 0
    return environment


@pytest.fixture(autouse=True)
def nobody(database: str, instance: dict[str, str]) -> None:
    production.ask(database, "TRUNCATE person CASCADE")


def bootstrap(
    instance: dict[str, str], *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    ended = production.run(
        instance | {"BOOTSTRAP_PASSWORD": PASSWORD} | variables, *BOOTSTRAP, *words
    )
    assert "Traceback" not in ended.stderr
    assert PASSWORD not in ended.stdout + ended.stderr
    return ended


def secret_in(said: str) -> str:
    """The authenticator secret, told as itself and in a URL that agrees."""
    [url] = re.findall(r"otpauth://totp/\S+", said)
    shown: list[str] = re.findall(r"^    ([A-Z2-7]{32})$", said, re.MULTILINE)
    [secret] = shown
    assert parse_qs(urlsplit(url).query) == {"secret": [secret], "issuer": ["Galla"]}
    return secret


# --- The first admin
def test_an_empty_database_becomes_an_instance(tmp_path: Path) -> None:
    with production.own_database() as url:
        instance = production.safe(tmp_path, DATABASE_URL=url)
        ended = bootstrap(instance, "--admin-email", "Ops@Example.com")
        assert ended.returncode == 0, ended.stderr
        assert "3 ready for new merchants" in ended.stdout
        assert "ops@example.com, made now" in ended.stdout
        secret = secret_in(ended.stdout)
        [(email, staff_role, verified, sealed)] = production.ask(
            url,
            "SELECT p.email, p.staff_role, e.verified, a.data->>'secret' FROM person p"
            " JOIN account_emailaddress e ON e.user_id = p.id"
            " JOIN mfa_authenticator a ON a.user_id = p.id AND a.type = 'totp'",
        )
        assert (email, staff_role, verified) == (ADMIN, "admin", True)
        assert secret not in str(sealed)


def test_repeated_it_changes_nothing_and_shows_no_secret(
    instance: dict[str, str], database: str
) -> None:
    bootstrap(instance, "--admin-email", ADMIN)
    before = people(database)
    for words in (("--admin-email", ADMIN), ()):
        again = bootstrap(instance, *words, BOOTSTRAP_PASSWORD="another long password")
        assert again.returncode == 0
        assert f"{ADMIN}, as before" in again.stdout
        assert "otpauth" not in again.stdout
    assert people(database) == before


def people(database: str) -> list[tuple[object, ...]]:
    return production.ask(
        database,
        "SELECT p.email, p.password, p.staff_role, p.session_epoch, a.type, a.data::text"
        " FROM person p LEFT JOIN mfa_authenticator a ON a.user_id = p.id ORDER BY 1",
    )


@pytest.mark.parametrize(
    ("words", "password", "said"),
    [
        ((), PASSWORD, "--admin-email says who it will be"),
        (("--admin-email", "not an address"), PASSWORD, "is not an e-mail address"),
        (("--admin-email", ADMIN), "short", "must contain at least 10 characters"),
        (("--admin-email", ADMIN), "password123", "too common"),
        (("--admin-email", ADMIN), "ops@example.com", "too similar"),
        (("--admin-email", ADMIN), "", "BOOTSTRAP_PASSWORD is not set, and there is nobody here"),
    ],
)
def test_without_a_sound_address_and_password_nobody_is_made(
    instance: dict[str, str], database: str, words: tuple[str, ...], password: str, said: str
) -> None:
    ended = bootstrap(instance, *words, BOOTSTRAP_PASSWORD=password)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert people(database) == []


def test_the_password_can_be_typed_twice(instance: dict[str, str], database: str) -> None:
    words = (*BOOTSTRAP, "--admin-email", ADMIN)
    first, again = "Password of the new platform admin", "Once more"
    code, _, shown = talk(words, instance, [(first, PASSWORD), (again, "something else")])
    assert (code, people(database)) == (1, [])
    assert "The two passwords differ." in shown
    code, told, shown = talk(words, instance, [(first, PASSWORD), (again, PASSWORD)])
    assert code == 0
    assert f"{ADMIN}, made now" in told
    assert PASSWORD not in told + shown


def test_a_person_who_is_there_already_is_appointed(
    instance: dict[str, str], database: str
) -> None:
    sign_up(database, verified=True)
    [(_, password, _, epoch, _, _)] = people(database)
    ended = bootstrap(instance, "--admin-email", ADMIN)
    assert ended.returncode == 0, ended.stderr
    assert "appointed now" in ended.stdout
    secret_in(ended.stdout)
    [(_, same, staff_role, later, kind, _)] = people(database)
    assert (same, staff_role, kind) == (password, "admin", "totp")
    assert (epoch, later) == (0, 1)


def test_whoever_only_claims_the_address_is_not(instance: dict[str, str], database: str) -> None:
    sign_up(database, verified=False)
    before = people(database)
    ended = bootstrap(instance, "--admin-email", ADMIN)
    assert ended.returncode == 1
    assert "without showing that the address is theirs" in ended.stderr
    assert people(database) == before


def sign_up(database: str, *, verified: bool) -> None:
    production.ask(
        database,
        "WITH them AS (INSERT INTO person (id, email, name, password, staff_role, is_active,"
        " session_epoch, date_joined) VALUES (gen_random_uuid(), %s, '', '!', '', true, 0, now())"
        " RETURNING id, email)"
        ' INSERT INTO account_emailaddress (user_id, email, verified, "primary")'
        " SELECT id, email, %s, true FROM them",
        ADMIN,
        verified,
    )


# --- What it refuses
def test_it_is_for_production_alone(instance: dict[str, str]) -> None:
    ended = bootstrap(instance, MODE="demo")
    assert ended.returncode == 1
    assert "MODE is demo" in ended.stderr


def test_a_database_out_of_reach_is_said(instance: dict[str, str]) -> None:
    ended = bootstrap(instance, DATABASE_URL="postgresql://root:hunter2hunter2@127.0.0.1:1/none")
    assert ended.returncode == 1
    assert "DATABASE_URL: the database cannot be reached: " in ended.stderr
    assert "hunter2hunter2" not in ended.stderr


def test_a_role_that_may_not_make_schemas_is_refused(
    instance: dict[str, str], database: str
) -> None:
    role = f"mere_reader_{os.getpid()}"
    production.administer(f"CREATE ROLE {role} LOGIN PASSWORD 'reader'")
    try:
        parts = urlsplit(database)
        host = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=f"{role}:reader@{host}").geturl()
        ended = bootstrap(instance, DATABASE_URL=url)
    finally:
        production.administer(f"DROP ROLE {role}")
    assert ended.returncode == 1
    assert "DATABASE_URL: the role may not create schemas in the database" in ended.stderr


def test_another_encoding_is_refused(instance: dict[str, str]) -> None:
    ascii_only = "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
    with production.own_database(ascii_only) as url:
        ended = bootstrap(instance, DATABASE_URL=url)
    assert ended.returncode == 1
    assert "DATABASE_URL: the database must be in UTF8" in ended.stderr


def test_a_pooler_that_mixes_clients_is_refused(instance: dict[str, str], database: str) -> None:
    with pooler_before(database) as port:
        ended = bootstrap(instance, DATABASE_URL=production.through(database, port))
    assert ended.returncode == 1
    assert "DATABASE_URL: a pooler before the database shares its connections" in ended.stderr


# --- Mail
def test_the_test_mail_reaches_the_admin(instance: dict[str, str]) -> None:
    bootstrap(instance, "--admin-email", ADMIN)
    with mail_server() as server:
        ended = bootstrap(
            instance,
            "--test-mail",
            EMAIL_URL=f"smtp://127.0.0.1:{server.port}",
            MAIL_FROM="Payments <pay@example.com>",
        )
    assert ended.returncode == 0, ended.stderr
    assert f"a test mail is on its way to {ADMIN}" in ended.stdout
    [mail] = server.mails
    assert f"To: {ADMIN}" in mail
    assert "From: Payments <pay@example.com>" in mail
    assert production.BASE_URL in mail


@pytest.mark.parametrize(
    ("scheme", "answers", "said"),
    [
        ("smtp://me:wrong-password@", {"EHLO": "250-test\r\n250 AUTH PLAIN", "AUTH": "535 no"},
         "the server refuses the user or password"),
        ("smtp://me:wrong-password@", {}, "the server does not offer what was asked for"),
        ("smtp+tls://", {}, "the server does not offer what was asked for"),
        ("smtps://", {}, "no TLS was agreed on"),
        ("smtp://", {"MAIL": "550 not you"}, "the server refuses the sender, MAIL_FROM"),
        ("smtp://", {"RCPT": "550 nobody here"}, "the server refuses the recipient"),
        ("smtp://", {"DATA": ""}, "the server hung up"),
        ("smtp://", {".": "552 too much"}, "the server did not take the mail"),
    ],
)  # fmt: skip
def test_what_goes_wrong_with_mail_is_said(
    instance: dict[str, str], scheme: str, answers: dict[str, str], said: str
) -> None:
    with mail_server(**answers) as server:
        ended = bootstrap(
            instance,
            *("--admin-email", ADMIN, "--test-mail"),
            EMAIL_URL=f"{scheme}127.0.0.1:{server.port}",
        )
    assert ended.returncode == 1
    assert f"EMAIL_URL, 127.0.0.1:{server.port}: {said}" in ended.stderr
    assert "wrong-password" not in ended.stderr
    assert server.mails == [] or answers.get(".")


def test_no_mail_server_at_all_is_said(instance: dict[str, str]) -> None:
    ended = bootstrap(
        instance, "--admin-email", ADMIN, "--test-mail", EMAIL_URL="smtp://127.0.0.1:1"
    )
    assert ended.returncode == 1
    assert "EMAIL_URL, 127.0.0.1:1: nothing listens there" in ended.stderr


# --- The instance at work
def test_the_worker_runs_in_it(instance: dict[str, str], database: str) -> None:
    worker = production.begin(instance, "manage.py", "work")
    until(lambda: bool(production.ask(database, "SELECT 1 FROM worker_seen")))
    worker.terminate()
    said, _ = worker.communicate(timeout=production.SECONDS)
    assert worker.returncode == 0, said


def test_the_admin_signs_in_to_the_platform_through_a_proxy(instance: dict[str, str]) -> None:
    secret = secret_in(bootstrap(instance, "--admin-email", ADMIN).stdout)
    assert production.run(instance, "manage.py", "collectstatic", "--no-input").returncode == 0
    port = free_ports()
    web = production.begin(
        instance,
        *("-m", "granian", "--interface", "wsgi", "--no-ws", "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "2", "config.wsgi:application"),
    )
    try:
        proxy = Proxy(port)
        until(proxy.reaches)
        home = proxy.get("/platform/")
        login = read_form(home.text, "")
        second = proxy.post(login.action, login.fields | {"login": ADMIN, "password": PASSWORD})
        code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
        authenticate = read_form(second.text, "")
        platform = proxy.post(authenticate.action, authenticate.fields | {"code": code})
    finally:
        web.terminate()
        said, _ = web.communicate(timeout=production.SECONDS)
    assert platform.status_code == 200, said
    assert platform.headers["Strict-Transport-Security"] == "max-age=63072000"  # this host's alone
    assert platform.url.endswith("/platform/")


class Proxy:
    """A browser behind a proxy that speaks https to it and plain http to the web."""

    def __init__(self, port: int) -> None:
        self.upstream = f"http://127.0.0.1:{port}"
        self.cookies: dict[str, str] = {}

    def reaches(self) -> bool:
        try:
            return self.get("/healthz").ok
        except requests.ConnectionError:
            return False

    def get(self, path: str) -> requests.Response:
        return self._send("GET", path, {})

    def post(self, path: str, fields: dict[str, str]) -> requests.Response:
        return self._send("POST", path, fields)

    def _send(self, method: str, path: str, fields: dict[str, str]) -> requests.Response:
        """Follows redirects, and keeps cookies that are Secure although the wire is not."""
        answer = requests.request(
            method,
            self.upstream + path,
            data=fields,
            headers={
                "Host": urlsplit(production.BASE_URL).netloc,
                "Origin": production.BASE_URL,
                "Referer": production.BASE_URL + path,
                "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            },
            allow_redirects=False,
            timeout=30,
        )
        self.cookies |= answer.cookies.get_dict()
        if answer.is_redirect:
            return self.get(answer.headers["Location"].removeprefix(production.BASE_URL))
        return answer


def until(happened: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)
