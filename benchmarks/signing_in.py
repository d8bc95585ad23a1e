"""Signing in as people do, by the product's own form; what a browser would send from then on."""

import http.client
import re
from collections.abc import Mapping
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from benchmarks.figures import Wrong
from benchmarks.stage import HOST, PORT, Facts

FORM = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
LOGIN = "/accounts/login/"
PLAIN = "/accounts/language"


def headers_of(merchant: Facts, port: int = PORT) -> dict[str, str]:
    """The headers of a browser in which the merchant's owner has signed in. Raises Wrong."""
    form, cookies = _ask(port, "GET", LOGIN)
    token = FORM.search(form)
    if token is None:
        raise Wrong("no form to sign in by")
    said = {"csrfmiddlewaretoken": token[1], "login": merchant["email"]}
    body = urlencode(said | {"password": merchant["password"]})
    page, more = _ask(port, "POST", LOGIN, cookies, body)
    if "__Host-session" not in more:
        raise Wrong(f"could not sign in: {page[:300]}")
    cookies |= more
    _, more = _ask(port, "GET", PLAIN, cookies)  # which says so, once
    return {"Host": HOST, "Cookie": _sent(cookies | more)}


def _ask(
    port: int, method: str, path: str, cookies: Mapping[str, str] = {}, body: str = ""
) -> tuple[str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    own = {"Host": HOST, "Origin": f"https://{HOST}", "Accept": "text/html"}
    own |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    own |= {"Cookie": _sent(cookies)} if cookies else {}
    connection.request(method, path, body or None, own)
    answer = connection.getresponse()
    text, told = answer.read().decode(), SimpleCookie()
    for line in answer.headers.get_all("Set-Cookie") or ():
        told.load(line)
    connection.close()
    return text, {name: morsel.value for name, morsel in told.items()}


def _sent(cookies: Mapping[str, str]) -> str:
    """Without those that were taken back."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
