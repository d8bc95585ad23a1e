"""Who is at the other end of a request, by its WSGI environ (Django's `request.META`)."""

from collections.abc import Mapping
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings

Address = IPv4Address | IPv6Address


def client_ip(environ: Mapping[str, Any]) -> str:
    """The client's address: the peer's, or what our own proxies say of it.

    Only a peer in TRUSTED_PROXIES is believed. Each proxy appends the address it saw, so the
    right-most one that is not ours is the client; what stands left of it, anybody can write.
    """
    peer: str = environ.get("REMOTE_ADDR", "")
    if not from_trusted_proxy(environ):
        return peer
    hops = [parse(hop) for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    for hop in reversed(hops):
        if hop is None:
            return peer
        if not trusted(hop):
            return str(hop)
    return str(hops[0])


def client_network(environ: Mapping[str, Any]) -> str:
    """Whom a limit counts as one: the IPv4 address, or the /64 that an IPv6 customer has."""
    address = parse(client_ip(environ))
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)


def from_trusted_proxy(environ: Mapping[str, Any]) -> bool:
    """Whether the peer is one of our proxies, so that its headers can be believed."""
    return _trusts(environ.get("REMOTE_ADDR", ""), tuple(settings.TRUSTED_PROXIES))


@lru_cache(maxsize=4096)
def parse(text: str) -> Address | None:
    """An IP address without port; None for anything else."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def _trusts(peer: str, ranges: tuple[str, ...]) -> bool:
    address = parse(peer)
    return address is not None and within(address, ranges)


def trusted(address: Address) -> bool:
    return within(address, tuple(settings.TRUSTED_PROXIES))


@lru_cache(maxsize=4096)
def within(address: Address, ranges: tuple[str, ...]) -> bool:
    return any(address in network for network in networks(ranges))


@cache
def networks(ranges: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """TRUSTED_PROXIES as networks. Raises ValueError for what is none."""
    return tuple(ip_network(text) for text in ranges)
