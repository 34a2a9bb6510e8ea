"""The networks of the public Internet, to which the issuer may send requests. Pure."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

RESERVED = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "::ffff:0:0:0/96", "3fff::/20", "5f00::/16"),
    )
)
"""Networks that `ipaddress` of some Python versions reports as global although they are not (IANA's special-purpose
registries, RFC 6890 and 3879)."""
TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""IPv6 networks whose addresses contain an IPv4 address, which might be private (RFC 6052, 3056, 4380, 4291)."""


def contains(address: IPv4Address | IPv6Address) -> bool:
    """Return True if the address is global and unicast, and is not in a reserved network.

    Returns False for an IPv6 address that contains an IPv4 address.
    """
    # The IPv4 address that it contains might be private.
    is_translated = isinstance(address, IPv6Address) and any(address in network for network in TRANSLATED)
    is_reserved = any(address in network for network in RESERVED if network.version == address.version)
    return address.is_global and not (address.is_multicast or is_translated or is_reserved)
