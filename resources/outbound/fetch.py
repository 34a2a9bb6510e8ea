"""Bounded HTTP requests to issuers.

- One deadline covers name resolution, connection, request and answer (`wire`).
- An answer has at most `max_bytes` bytes, and is not compressed, because a small compressed answer can expand to a huge
  one.
- Redirects and the proxy variables of the environment are ignored, so that a request goes to the given host only.
- The URL must be https, or http on loopback, unless `allow_http` is set.
- Every failure is a FetchError. Callers interpret the body.
"""

import http.client
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from . import wire

MAX_BYTES = 512 * 1024


class FetchError(Exception):
    """A request failed. The message gives the reason and contains no secret."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with status 200 or 304. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def etag(self) -> str:
        """Return the entity tag, or "" if there is none."""
        return self.headers.get("etag", "")

    @property
    def max_age(self) -> float | None:
        """Return the seconds for which the answer is still fresh (RFC 9111 section 4.2).

        Returns 0 if Cache-Control contains no-store or no-cache. Otherwise, returns the first well-formed max-age minus
        the header `Age`, at least 0. Returns None if there is no such max-age.
        """
        directives = [part.strip().lower() for part in self.headers.get("cache-control", "").split(",")]
        if not {"no-store", "no-cache"}.isdisjoint(directives):
            return 0.0
        for directive in directives:
            name, _, value = directive.partition("=")
            if name == "max-age" and _digits(value):
                # The answer has spent `Age` seconds in a cache.
                age = self.headers.get("age", "0")
                return max(0.0, float(value) - (float(age) if _digits(age) else 0.0))
        return None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of one request: its deadline, the size of its answer, and the permission to use http."""

    until: float
    """The time at which to give up, in seconds of `clock`."""
    clock: Callable[[], float]
    """Returns seconds that never go back."""
    allow_http: bool = False
    """Permits http to hosts beyond loopback."""
    max_bytes: int = MAX_BYTES
    """The longest accepted answer, in bytes."""


def get(url: str, bounds: Bounds, *, etag: str = "", forced: bool = False) -> Response:
    """Send a GET to `url` and return the answer.

    If `etag` is not empty, the request is conditional. If `forced` is True, caches have to revalidate. Raises
    FetchError if the URL is not allowed, the request fails, or the answer is not acceptable.
    """
    headers = {"Accept": "application/json, */*;q=0.1", "If-None-Match": etag}
    headers |= {"Cache-Control": "no-cache", "Pragma": "no-cache"} if forced else {}
    response = send("GET", url, bounds, headers=headers)
    if response.status == http.client.NOT_MODIFIED and not etag:
        raise FetchError("the server answered 304 to an unconditional request")
    return response


def send(method: str, url: str, bounds: Bounds, *, headers: Mapping[str, str], body: bytes | None = None) -> Response:
    """Send one request and return the answer. Headers without a value are left out.

    Raises FetchError if the URL is not allowed, the request fails, or the answer is not acceptable.
    """
    if not is_allowed(url, allow_http=bounds.allow_http):
        raise FetchError("the URL must be https, or http on loopback")
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {name: value for name, value in headers.items() if value}
    try:
        with closing(wire.connect(parts, bounds.until, bounds.clock)) as opened:
            connection = http.client.HTTPConnection(parts.netloc)
            connection.sock = wire.Wire(opened, bounds.until, bounds.clock)
            connection.request(method, target, body, {"Accept-Encoding": "identity", "Connection": "close", **sent})
            return _read(connection.getresponse(), bounds.max_bytes)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError(f"{parts.hostname}: {_describe(error)}") from error


def is_allowed(url: str, *, allow_http: bool) -> bool:
    """Return True if `url` is https, http on loopback or, if `allow_http` is True, http on any host.

    Returns False if the URL is malformed, or has a user name, a password or a fragment.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (raises ValueError if the port is not a number)
    except ValueError:
        return False
    # A user name or fragment can make a URL look like a URL of another host.
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (allow_http or is_loopback(parts.hostname)))


def is_loopback(host: str) -> bool:
    """Return True if a host name or address always means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _read(response: http.client.HTTPResponse, max_bytes: int) -> Response:
    """Return the answer with its body. Raises FetchError if its status, encoding or length is not acceptable."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    if response.status not in {http.client.OK, http.client.NOT_MODIFIED}:
        raise FetchError(f"the server answered {response.status}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError("the answer is compressed, although the request accepts identity only")
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise FetchError(f"the answer is longer than {max_bytes} bytes")
    if response.length:  # http.client counts it down; at the end of a complete body it is 0
        raise FetchError("the answer ended early")
    return Response(response.status, headers, body)


def _describe(error: Exception) -> str:
    # The text of any other error can contain what the server sent.
    return str(error) if isinstance(error, OSError) and str(error) else type(error).__name__


def _digits(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 10
