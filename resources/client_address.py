"""The address that a request comes from. The issuer's rate limits follow the same rule (tokens/limits/rate_limit.py).

- Unless BEHIND_PROXY is set, the result is the address of the connection, and headers are ignored.
- Behind a proxy, the result is the last entry of X-Forwarded-For, which the proxy appends. The client can forge the
  other entries.
- A port is dropped. An IPv6 address counts by its first 64 bits, which usually belong to one customer.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

IPV6_PREFIX = 64
WITH_PORT = re.compile(r"\[(?P<v6>[^]]+)\](?::\d+)?|(?P<v4>[\d.]+):\d+")


def client_address(meta: Mapping[str, Any], *, behind_proxy: bool) -> str:
    """Return the address of the client, or the /64 network of an IPv6 client. `meta` is Django's `request.META`.

    If `behind_proxy` is True, the address is the last entry of X-Forwarded-For.
    """
    text = str(meta.get("REMOTE_ADDR", ""))
    if behind_proxy:
        text = str(meta.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or text
    if with_port := WITH_PORT.fullmatch(text):
        text = with_port["v6"] or with_port["v4"]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # a Unix socket has no IP address; its requests count together
        return text
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    # A dual-stack socket reports IPv4 clients as ::ffff:…. Without the conversion, all of them would count as one /64.
    return str(getattr(address, "ipv4_mapped", None) or address)
