"""Checks the address of a client ID metadata document, which is the client's client_id (draft 02 section 3). Pure.

- The address is https, with a host name and a path, and without user, fragment and dot segments.
- The host is a name in lower case whose last label is not a number. Users read the host on the consent page, and an IP
  address in another notation (0x7f.1, 2130706433) must not pass as a name.
- The address is not normalized. Two addresses that differ in one character are two clients.
"""

import re
from urllib.parse import SplitResult, urlsplit

from tokens.addresses import LOOPBACK, PLAIN

LONGEST = 240
"""The most characters of an address. With the prefix `client:` it must fit the 255 of an audit event's subject."""
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
DOTS = frozenset({".", ".."})


class UnfitAddress(ValueError):
    """The address cannot be that of a metadata document. The message says why."""


def is_address(client_id: str) -> bool:
    """Return True if the client_id is the address of a metadata document. Only such a client_id has a colon."""
    return ":" in client_id


def read(address: str, *, loopback: bool = False, name: str = "The client_id") -> SplitResult:
    """Parse the address of a metadata document. Raises UnfitAddress if the address breaks a rule of this module.

    `loopback` also permits http and https on loopback, for development only. Messages call the address `name`.
    """
    if len(address) > LONGEST:
        raise UnfitAddress(f"{name} is longer than {LONGEST} characters.")
    if not PLAIN.fullmatch(address) or "\\" in address:
        raise UnfitAddress(f"{name} is not a URL.")
    parts = _split(address, name=name)
    if "@" in parts.netloc or "#" in address:
        raise UnfitAddress(f"{name} must not have a user or a fragment.")
    _judge_path(parts.path, name=name)
    if loopback and parts.hostname in LOOPBACK and parts.scheme in {"http", "https"}:
        return parts
    if parts.scheme != "https" or not address.startswith("https://"):
        raise UnfitAddress(f"{name} must begin with https://.")
    host, _, port = parts.netloc.partition(":")
    if not HOST.fullmatch(host) or host in LOOPBACK or (":" in parts.netloc and not port):
        raise UnfitAddress(f"{name} must have a host name in lower case, and no IP address.")
    return parts


def origin(parts: SplitResult) -> str:
    """Return the origin of an address (scheme, host and port), such as `https://app.example`."""
    return f"{parts.scheme}://{parts.netloc}"


def _split(address: str, *, name: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise UnfitAddress(f"{name} is not a URL.") from None
    if port == 0:
        raise UnfitAddress(f"{name} must not name port 0.")
    return parts


def _judge_path(path: str, *, name: str) -> None:
    """Raise UnfitAddress unless the path is longer than a slash and has no dot segments, plain or percent-encoded."""
    if path in {"", "/"}:
        raise UnfitAddress(f"{name} must have a path, such as https://app.example/client.json.")
    if DOTS & set(path.lower().replace("%2e", ".").split("/")):
        raise UnfitAddress(f"{name} must not have dot segments in its path.")
