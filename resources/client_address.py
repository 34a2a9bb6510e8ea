"""The address that a request comes from. The issuer's rate limits follow the same rule (tokens/limits/rate_limit.py).

- Without a proxy in front (BEHIND_PROXY) it is the address of the connection. What headers say is ignored.
- Behind one it is the last entry of X-Forwarded-For: the proxy appends what it sees, the client can forge the rest.
- A port is dropped. An IPv6 address counts by its first 64 bits, which usually belong to one customer.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

IPV6_PREFIX = 64
WITH_PORT = re.compile(r"\[(?P<v6>[^]]+)\](?::\d+)?|(?P<v4>[\d.]+):\d+")


def client_address(meta: Mapping[str, Any], *, behind_proxy: bool) -> str:
    """Return the address of the client. `meta` is Django's `request.META`."""
    seen = str(meta.get("REMOTE_ADDR", ""))
    if behind_proxy:
        seen = str(meta.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or seen
    if ported := WITH_PORT.fullmatch(seen):
        seen = ported["v6"] or ported["v4"]
    try:
        known = ipaddress.ip_address(seen)
    except ValueError:
        return seen
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is None:
        return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False))
    return str(getattr(known, "ipv4_mapped", None) or known)
