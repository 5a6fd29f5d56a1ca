"""Addresses that may call."""

from __future__ import annotations

import ipaddress

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def comes_from(networks: Networks, address: str | None) -> bool:
    """Whether `address` is in one of the networks; `::ffff:10.1.2.3`, a peer of an IPv6 socket, counts as IPv4."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
