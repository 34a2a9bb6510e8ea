"""One bounded GET: a wall-clock deadline over everything, a size limit, no redirect, no compression, no proxy.

Owns no meaning: what the bytes say is judged elsewhere. Every failure is a FetchError.
"""

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from resources.resolve import lookups

MAX_BYTES = 512 * 1024


class FetchError(Exception):
    """The document could not be had; the message says why, and holds nothing secret."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came: `status` is 200 or 304; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def etag(self) -> str:
        """The entity tag, or ""."""
        return self.headers.get("etag", "")

    @property
    def max_age(self) -> float | None:
        """Seconds of life that Cache-Control says are left (RFC 9111 section 4.2), or None when it says nothing."""
        directives = (part.strip().lower() for part in self.headers.get("cache-control", "").split(","))
        for directive in directives:
            if directive in {"no-store", "no-cache"}:
                return 0.0
            name, _, value = directive.partition("=")
            if name == "max-age" and _digits(value):
                age = self.headers.get("age", "0")
                return max(0.0, float(value) - (float(age) if _digits(age) else 0.0))
        return None


def get(
    url: str,
    *,
    deadline: float,
    clock: Callable[[], float],
    etag: str = "",
    forced: bool = False,
    allow_http: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Response:
    """GET `url` within `deadline` seconds of `clock`. Raises FetchError.

    `etag` makes the request conditional, `forced` asks caches to revalidate, `allow_http` permits http beyond loopback.
    """
    headers = {"Accept": "application/json, */*;q=0.1", "If-None-Match": etag}
    headers |= {"Cache-Control": "no-cache", "Pragma": "no-cache"} if forced else {}
    response = send(
        "GET", url, headers=headers, until=clock() + deadline, clock=clock, allow_http=allow_http, max_bytes=max_bytes
    )
    if response.status == http.client.NOT_MODIFIED and not etag:
        raise FetchError("not modified, although nothing was asked about a version")
    return response


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    until: float,
    clock: Callable[[], float],
    body: bytes | None = None,
    allow_http: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Response:
    """One request that ends before `until` on `clock`, whatever the other side does. Raises FetchError."""
    if not is_allowed(url, allow_http=allow_http):
        raise FetchError("only https is fetched, or http on loopback")
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {name: value for name, value in headers.items() if value}
    try:
        with closing(_open(parts, until, clock)) as wire:
            connection = http.client.HTTPConnection(parts.netloc)
            connection.sock = _Wire(wire, until, clock)
            connection.request(method, target, body, {"Accept-Encoding": "identity", "Connection": "close", **sent})
            return _judged(connection.getresponse(), max_bytes)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError(f"{parts.hostname}: {_told(error)}") from error


def is_allowed(url: str, *, allow_http: bool) -> bool:
    """Whether `url` may be fetched: https, or http on loopback, or http anywhere if a setting says so."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (raises ValueError for a port that is none)
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (allow_http or is_loopback(parts.hostname)))


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _judged(response: http.client.HTTPResponse, max_bytes: int) -> Response:
    headers = {name.lower(): value for name, value in response.getheaders()}
    if response.status not in {http.client.OK, http.client.NOT_MODIFIED}:
        raise FetchError(f"answered {response.status}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError("the answer is compressed, although identity was asked for")
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise FetchError(f"the answer is longer than {max_bytes} bytes")
    if response.length:
        raise FetchError("the answer ended early")
    return Response(response.status, headers, body)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, OSError) and str(error) else type(error).__name__


def _digits(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 10


def _open(parts: SplitResult, until: float, clock: Callable[[], float]) -> socket.socket:
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    plain = _connect(host, parts.port or (443 if secure else 80), until, clock)
    if not secure:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def _connect(host: str, port: int, until: float, clock: Callable[[], float]) -> socket.socket:
    """The first address of `host` that answers; name and addresses share the time that is left."""
    problem: OSError = OSError("its name has no address")
    for family, kind, protocol, _, address in lookups.addresses(host, port, timeout=_left(until, clock)):
        wire = socket.socket(family, kind, protocol)
        try:
            wire.settimeout(_left(until, clock))
            wire.connect(address)
        except OSError as error:
            wire.close()
            problem = error
        else:
            return wire
    raise problem


def _left(until: float, clock: Callable[[], float]) -> float:
    left = until - clock()
    if left <= 0:
        raise TimeoutError("no complete answer in time")
    return left


class _Wire:
    """A socket as http.client uses one, with the time that is left set before every single read and write."""

    def __init__(self, wire: socket.socket, until: float, clock: Callable[[], float]) -> None:
        self._wire, self._until, self._clock = wire, until, clock

    def sendall(self, data: bytes) -> None:
        self._wire.settimeout(_left(self._until, self._clock))
        self._wire.sendall(data)

    def receive(self, buffer: Any) -> int:
        self._wire.settimeout(_left(self._until, self._clock))
        return self._wire.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Nothing: whoever opened the socket closes it, after the body has been read."""


class _Reader(io.RawIOBase):
    """The reading end, in the shape that io.BufferedReader wants."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive(buffer)
