"""Paytm's hosts, by environment. MID and merchant key differ between environments."""

from typing import NamedTuple
from urllib.parse import urlencode


class Hosts(NamedTuple):
    """`legacy` is for merchants whose MID the current host does not serve."""

    current: str
    legacy: str


HOSTS = {
    "staging": Hosts("https://securestage.paytmpayments.com", "https://securegw-stage.paytm.in"),
    "production": Hosts("https://secure.paytmpayments.com", "https://securegw.paytm.in"),
}


def host_for(environment: str, *, legacy: bool = False) -> str:
    """The base URL of "staging" or "production". Raises KeyError for any other environment."""
    hosts = HOSTS[environment]
    return hosts.legacy if legacy else hosts.current


def environment_of(base_url: str) -> str | None:
    """The environment that this base URL belongs to; None if it is no host of Paytm's."""
    for environment, hosts in HOSTS.items():
        if base_url in hosts:
            return environment
    return None


def elsewhere(base_url: str) -> list[str]:
    """Paytm's other hosts, if this is one of them; else none (a simulator has no siblings)."""
    if environment_of(base_url) is None:
        return []
    return [host for hosts in HOSTS.values() for host in hosts if host != base_url]


def payment_page_url(base_url: str, *, mid: str, order_id: str) -> str:
    """Where the payer's browser POSTs mid, orderId and txnToken (Paytm: Show Payment Page)."""
    query = urlencode({"mid": mid, "orderId": order_id})
    return f"{base_url}/theia/api/v1/showPaymentPage?{query}"
