"""One bounded GET of a JSON document at an address that somebody else chose: a client's keys, a foreign issuer.

A deadline over everything, a size limit, no redirect, no compression, no proxy; https, and never into the private
network that this process stands in. Every failure is a FetchError.
"""

import http.client
import io
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import SplitResult, urlsplit

DEADLINE = 5.0  # seconds
MAX_BYTES = 512 * 1024
CHUNK = 16 * 1024
RESERVED = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "::ffff:0:0:0/96", "3fff::/20", "5f00::/16"),
    )
)
"""What some versions of Python call global, and is not: IANA's special-purpose registries, RFC 6890 and 3879."""
TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""IPv6 addresses that stand for an IPv4 address, which may be a private one (RFC 6052, 3056, 4380, 4291)."""


class FetchError(Exception):
    """The document could not be had; the message says why."""


def get_json(url: str, *, allow_private: bool = False, deadline: float = DEADLINE) -> Any:
    """The JSON document at `url`; raises FetchError.

    `allow_private` permits addresses of private networks, and http on loopback: for development.
    """
    until = time.monotonic() + deadline
    parts = _parts(url, allow_private=allow_private)
    try:
        with closing(_open(parts, until, allow_private=allow_private)) as wire:
            body = _ask(parts, wire, until)
        return json.loads(body)
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        told = str(error) if isinstance(error, OSError) and str(error) else type(error).__name__
        raise FetchError(f"{parts.hostname}: {told}") from error


def _parts(url: str, *, allow_private: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchError("the address is malformed") from None
    plain = not parts.hostname or parts.username or parts.password or parts.fragment or port == 0
    if plain or not url.isascii() or any(character <= " " for character in url):
        raise FetchError("the address is malformed")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise FetchError("only https is fetched")
    return parts


def _open(parts: SplitResult, until: float, *, allow_private: bool) -> socket.socket:
    """A connection to the very address that was judged: a name that is looked up twice may lead elsewhere."""
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _looked_up(host, port, until)
    for address in addresses:
        _judge(host, address, parts.scheme, allow_private=allow_private)
    plain = _connected([(address, port) for address in addresses], until)
    if parts.scheme == "http":
        return plain
    try:
        plain.settimeout(_left(until))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def _looked_up(host: str, port: int, until: float) -> list[str]:
    """Every address of a name, within the deadline: the resolver's own patience is in a thread that may outlive it."""
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append([str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except (OSError, UnicodeError) as error:
            found.append(OSError(f"the name is not found ({type(error).__name__})"))

    asking = threading.Thread(target=ask, daemon=True)
    try:
        asking.start()
    except RuntimeError as error:
        raise OSError("no thread can be started") from error
    asking.join(_left(until))
    if not found:
        raise TimeoutError("the name was not looked up in time")
    if isinstance(found[0], OSError):
        raise found[0]
    return list(dict.fromkeys(found[0]))


def _judge(host: str, address: str, scheme: str, *, allow_private: bool) -> None:
    known = ipaddress.ip_address(address.partition("%")[0])
    translated = isinstance(known, ipaddress.IPv6Address) and any(known in network for network in TRANSLATED)
    reserved = any(known in network for network in RESERVED if network.version == known.version)
    if not allow_private and (reserved or translated or not known.is_global or known.is_multicast):
        raise FetchError(f"{host}: its address is not a public one")
    if scheme == "http" and not known.is_loopback:
        raise FetchError("only https is fetched, or http on loopback in development")


def _connected(addresses: Sequence[tuple[str, int]], until: float) -> socket.socket:
    """To the first address that answers; each has its share of the time that is left."""
    failure: OSError = OSError("the name has no address")
    for tried, address in enumerate(addresses):
        try:
            return socket.create_connection(address, timeout=_left(until) / (len(addresses) - tried))
        except OSError as error:
            failure = error
    raise failure


def _ask(parts: SplitResult, wire: socket.socket, until: float) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.netloc)
    connection.sock = wire
    wire.settimeout(_left(until))
    headers = {"Accept": "application/json, */*;q=0.1", "Accept-Encoding": "identity", "Connection": "close"}
    connection.request("GET", target, headers=headers)
    response = _Response(wire, until)
    response.begin()
    if response.status != http.client.OK:
        raise FetchError(f"{parts.hostname}: it answered {response.status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError(f"{parts.hostname}: it answered with a compressed document")
    return _read(response)


def _read(response: http.client.HTTPResponse) -> bytes:
    body = b""
    while chunk := response.read1(CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise FetchError(f"the document is longer than {MAX_BYTES} bytes")
    if response.length:
        raise FetchError("the document ended early")
    return body


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no complete answer in time")
    return left


class _Response(http.client.HTTPResponse):
    """A response of which every single read has only the time that is left, however slowly its other end drips."""

    def __init__(self, wire: socket.socket, until: float) -> None:
        super().__init__(wire)
        self.fp = io.BufferedReader(_Reader(wire, until))


class _Reader(io.RawIOBase):
    def __init__(self, wire: socket.socket, until: float) -> None:
        self._wire, self._until = wire, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._wire.settimeout(_left(self._until))
        return self._wire.recv_into(buffer)
