"""The allow-list of redirect URIs (REDIRECT_ALLOW_LIST). Pure.

An entry is an origin (`https://app.example`), the subdomains of a host (`https://*.example.com`), a loopback address
with any port (`http://127.0.0.1`), or the scheme of an application (`com.example.app:`).
"""

from collections.abc import Collection
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def is_listed(uri: str, allowed: Collection[str]) -> bool:
    """Return True if an entry of the allow-list covers the redirect URI. A malformed URI is not covered."""
    try:
        return any(_covers(entry, uri) for entry in allowed)
    except ValueError:
        return False


def _covers(entry: str, uri: str) -> bool:
    """Return True if one entry of the allow-list covers the redirect URI.

    - `scheme:` covers each URI with this scheme and without a host.
    - Otherwise, scheme, host and port must be equal. `*.` covers subdomains only. A loopback host without a port covers
      any port.
    - The path is not compared.
    """
    entry_parts, uri_parts = urlsplit(entry), urlsplit(uri)
    if entry_parts.scheme != uri_parts.scheme:
        return False
    if entry.endswith(":"):
        return not uri_parts.netloc
    host, other = entry_parts.hostname or "", uri_parts.hostname or ""
    if host.startswith("*."):
        same_host = other.endswith(host[1:]) and other != host[1:]
    else:
        same_host = bool(host) and other == host
    any_port = entry_parts.port is None and host in LOOPBACK
    return same_host and (any_port or entry_parts.port == uri_parts.port)


def entry_problem(entry: str) -> str | None:
    """Return None if `entry` is well-formed, else a sentence that says how to write an entry of the allow-list."""
    form = "Write an origin such as https://app.example or https://*.example.com, or a scheme such as com.example.app:"
    try:
        parts = urlsplit(entry)
        _ = parts.port
    except ValueError:
        return form
    if entry.endswith(":"):
        return None if parts.scheme and not parts.netloc and parts.scheme not in {"http", "https"} else form
    has_more = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    host = (parts.hostname or "").removeprefix("*.")
    return form if parts.scheme not in {"http", "https"} or not host or "*" in host or has_more else None
