"""Which addresses a webhook may be sent to: the guard against calling the inside of our own house.

A webhook's address is written by a person, or comes from a secret store; its name is resolved by a server that others
may control. Were every address allowed, a message could be sent to the machine's metadata service, or to a database
that trusts its neighbours. So: the name is resolved once, *every* address it has is judged, and the connection goes to
an address that was judged, never to the name again. Numeric forms such as 0x7f.1 or 2130706433 are names like any
other: the resolver turns them into addresses, and those are judged.

`ipaddress.is_global` alone is not enough: Azure's 168.63.129.16 is a global address, and so are many IPv6 forms that
carry an IPv4 address within them. Those are taken apart, and what they carry is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address


class Place(StrEnum):
    """Where an address leads to."""

    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    SHARED = "shared"  # carrier-grade NAT: the provider's inside
    LINK_LOCAL = "link_local"
    METADATA = "metadata"
    MULTICAST = "multicast"
    RESERVED = "reserved"  # nothing that one could mean


WITH_LEAVE = frozenset({Place.LOOPBACK, Place.PRIVATE, Place.SHARED})
"""What a channel may be allowed by `allow_private`. Link-local and metadata addresses: never."""

# IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), and the vendors' metadata services. Of several
# networks that hold an address the narrowest decides.
_ROWS: tuple[tuple[str, Place], ...] = (
    ("0.0.0.0/8", Place.RESERVED),
    ("10.0.0.0/8", Place.PRIVATE),
    ("100.64.0.0/10", Place.SHARED),
    ("100.100.100.200/32", Place.METADATA),  # Alibaba Cloud
    ("127.0.0.0/8", Place.LOOPBACK),
    ("168.63.129.16/32", Place.METADATA),  # Azure's platform address, seen from every virtual machine
    ("169.254.0.0/16", Place.LINK_LOCAL),
    ("169.254.169.254/32", Place.METADATA),  # AWS, Google, Azure and others
    ("169.254.170.2/32", Place.METADATA),  # AWS: credentials of ECS tasks
    ("169.254.170.23/32", Place.METADATA),  # AWS: credentials of EKS pods
    ("172.16.0.0/12", Place.PRIVATE),
    ("192.0.0.0/24", Place.RESERVED),
    ("192.0.0.192/32", Place.METADATA),  # Oracle Cloud
    ("192.0.2.0/24", Place.RESERVED),
    ("192.88.99.0/24", Place.RESERVED),
    ("192.168.0.0/16", Place.PRIVATE),
    ("198.18.0.0/15", Place.RESERVED),
    ("198.51.100.0/24", Place.RESERVED),
    ("203.0.113.0/24", Place.RESERVED),
    ("224.0.0.0/4", Place.MULTICAST),
    ("240.0.0.0/4", Place.RESERVED),
    ("::/128", Place.RESERVED),
    ("::1/128", Place.LOOPBACK),
    ("64:ff9b:1::/48", Place.RESERVED),  # RFC 8215, local NAT64: where the IPv4 address stands is anyone's choice
    ("100::/64", Place.RESERVED),
    ("2001::/23", Place.RESERVED),
    ("2001:db8::/32", Place.RESERVED),
    ("3fff::/20", Place.RESERVED),
    ("5f00::/16", Place.RESERVED),
    ("fc00::/7", Place.PRIVATE),
    ("fd00:ec2::/32", Place.METADATA),  # AWS: instance metadata ::254, credentials ::23, DNS ::253, time ::123
    ("fd20:ce::254/128", Place.METADATA),  # Google
    ("fd00:42::42/128", Place.METADATA),  # Scaleway
    ("fe80::/10", Place.LINK_LOCAL),
    ("fec0::/10", Place.RESERVED),
    ("ff00::/8", Place.MULTICAST),
)

_TABLE: tuple[tuple[IPv4Network | IPv6Network, Place], ...] = tuple(
    sorted(((ip_network(text), place) for text, place in _ROWS), key=lambda row: -row[0].prefixlen)
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


def place_of(address: str) -> Place:
    """Where a numeric address leads to, the worst of what it carries. What is no address: RESERVED."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return Place.RESERVED
    carried = list(_carried(parsed)) if isinstance(parsed, IPv6Address) else []
    if not carried:
        return _own_place(parsed)
    return max((_own_place(inner) for inner in carried), key=_BADNESS.index)


def allowed(address: str, *, allow_private: bool) -> bool:
    place = place_of(address)
    return place is Place.PUBLIC or (allow_private and place in WITH_LEAVE)


_BADNESS = (
    Place.PUBLIC,
    Place.LOOPBACK,
    Place.PRIVATE,
    Place.SHARED,
    Place.MULTICAST,
    Place.RESERVED,
    Place.LINK_LOCAL,
    Place.METADATA,
)


def _own_place(address: IPAddress) -> Place:
    if isinstance(address, IPv6Address) and address.scope_id:
        return Place.LINK_LOCAL  # a zone is written only where an address has a meaning on one link
    listed = next((place for network, place in _TABLE if _holds(network, address)), None)
    if listed is not None:
        return listed
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return Place.RESERVED
    return Place.PUBLIC if address.is_global else Place.RESERVED


def _holds(network: IPv4Network | IPv6Network, address: IPAddress) -> bool:
    return network.version == address.version and address in network


def _carried(address: IPv6Address) -> Iterator[IPAddress]:
    """The IPv4 addresses within an IPv6 one that stands for them: IPv4-mapped (RFC 4291, 2.5.5.2) and -compatible,
    NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo's server and client (RFC 4380), ISATAP (RFC 5214)."""
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        yield low
    elif address.sixtofour:
        yield address.sixtofour
    elif address.teredo:
        yield from address.teredo
    elif int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        yield low
        yield IPv6Address(int(address) & ~0xFFFFFFFFFFFFFFFF | 1)  # and the network that it lies in
