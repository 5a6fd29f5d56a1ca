"""Addresses: who may call, and who called when a proxy stands in between."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Where web/front.py leaves the address of the connection itself, once REMOTE_ADDR is the client's.
PEER = "passerelle.peer"
#: What a proxy adds to a request that it passes on.
_PASSED_ON = (
    "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)  # fmt: skip
#: More hops than any real chain of proxies: what is longer was made to be long.
_HOPS_MAX = 32
_PORT = r"(?::\d{1,5})?"
_NODE = re.compile(rf"\[([0-9A-Fa-f:.]{{2,45}})\]{_PORT}|([0-9.]{{7,15}}){_PORT}|([0-9A-Fa-f:.]{{2,45}})")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - of a grammar: RFC 9110 §5.6.2
_PAIR = re.compile(rf"({_TOKEN})=(?:({_TOKEN})|\"((?:[^\"\\]|\\.)*)\")")
_ELEMENT = re.compile(rf"[ \t]*{_PAIR.pattern}(?:[ \t]*;[ \t]*{_PAIR.pattern})*[ \t]*")


def networks_of(written: Iterable[str]) -> Networks:
    """Networks from CIDR text, which the settings have checked."""
    return tuple(ipaddress.ip_network(network) for network in written)


def comes_from(networks: Networks, address: str | None) -> bool:
    """Whether `address` is in one of the networks; `::ffff:10.1.2.3`, a peer of an IPv6 socket, counts as IPv4."""
    parsed = _parsed(address or "")
    return parsed is not None and any(parsed in network for network in networks)


def client_address(environ: Mapping[str, Any], proxies: Networks) -> str:
    """Who sent a request: the peer, or whom a peer in `proxies` names; "" when it names nobody we can be sure of.

    The right-most address that is not itself a proxy's: what stands left of it is what the client wrote. A proxy
    that writes X-Forwarded-For passes on a client's own Forwarded (RFC 7239), or the other way round: when both are
    there and disagree, neither is believed.
    """
    peer: str = environ.get("REMOTE_ADDR") or ""
    if not proxies or not comes_from(proxies, peer):
        return peer
    chains = [
        _forwarded_for(environ["HTTP_X_FORWARDED_FOR"]) if "HTTP_X_FORWARDED_FOR" in environ else None,
        _forwarded(environ["HTTP_FORWARDED"]) if "HTTP_FORWARDED" in environ else None,
    ]
    named = {_nearest(chain, proxies) for chain in chains if chain is not None}
    if not named:  # the proxy speaks for itself
        return peer
    return named.pop() if len(named) == 1 else ""


def hides_its_client(environ: Mapping[str, Any], proxies: Networks) -> bool:
    """Whether a proxy that nobody declared passed the request on: whoever called stands behind the address we see."""
    peer: str = environ.get(PEER) or environ.get("REMOTE_ADDR") or ""
    return any(name in environ for name in _PASSED_ON) and not comes_from(proxies, peer)


def _nearest(chain: list[str], proxies: Networks) -> str:
    """The right-most that is no proxy's, the left-most when all are; "" past something that is no address."""
    found = ""
    for node in reversed(chain[-_HOPS_MAX:]):
        address = _address_of(node)
        if address is None:
            return ""
        found = str(address)
        if not any(address in network for network in proxies):
            return found
    return found


def _forwarded_for(value: str) -> list[str]:
    return [part.strip(" \t") for part in value.split(",")]


def _forwarded(value: str) -> list[str]:
    """What `for=` says in each element of a Forwarded header; [""] for a header that cannot be read whole."""
    chain: list[str] = []
    at = 0
    while True:
        element = _ELEMENT.match(value, at)
        if element is None:
            return [""]
        pairs = _PAIR.findall(element.group())
        # An element without `for` hides its client, which is not the same as having none.
        chain.append(next((token or quoted for name, token, quoted in pairs if name.lower() == "for"), ""))
        at = element.end()
        if at == len(value):
            return chain
        if value[at] != ",":
            return [""]
        at += 1


def _address_of(node: str) -> _Address | None:
    """`192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80` as an address; None for all else."""
    matched = _NODE.fullmatch(node)
    return None if matched is None else _parsed(next(part for part in matched.groups() if part))


def _parsed(address: str) -> _Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
