"""Signing in as people do, by the product's own form; what a browser would send from then on."""

import http.client
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from benchmarks.figures import Wrong
from benchmarks.stage import HOST, PORT, Facts

FORM = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
LOGIN = "/accounts/login/"


def headers_of(merchant: Facts, port: int = PORT) -> dict[str, str]:
    """The headers of a browser in which the merchant's owner has signed in. Raises Wrong."""
    form, cookies = _ask(port, "GET", {}, "")
    token = FORM.search(form)
    if token is None:
        raise Wrong("no form to sign in by")
    said = {"csrfmiddlewaretoken": token[1], "login": merchant["email"]}
    body = urlencode(said | {"password": merchant["password"]})
    page, more = _ask(port, "POST", {"Cookie": _sent(cookies)}, body)
    if "__Host-session" not in more:
        raise Wrong(f"could not sign in: {page[:300]}")
    return {"Host": HOST, "Cookie": _sent(cookies | more)}


def _ask(port: int, method: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    own = {"Host": HOST, "Origin": f"https://{HOST}", "Accept": "text/html"}
    own |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    connection.request(method, LOGIN, body or None, own | headers)
    answer = connection.getresponse()
    text, cookies = answer.read().decode(), SimpleCookie()
    for line in answer.headers.get_all("Set-Cookie") or ():
        cookies.load(line)
    connection.close()
    return text, {name: morsel.value for name, morsel in cookies.items()}


def _sent(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
