"""Fetches a document, such as JSON, or posts a form, at an address that a client or another issuer chose.

The address might be an attacker's, so
1. it must be https, without user information and without a fragment (`_parts`);
2. its host name is resolved once, and each IP address must be public, so that no request reaches the private network
   of this process (server-side request forgery). The connection uses the checked IP addresses, not the name (`_open`);
3. redirects, compression and proxies are not used;
4. a deadline covers name resolution, connection, TLS and reading, even if the server sends slowly;
5. a document has at most MAX_BYTES bytes, unless the caller permits another size. After a form was posted, the body of
   the answer is not read.
Every failure raises FetchError. In development, the caller can permit private addresses, and http on loopback.
"""

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlencode, urlsplit

from tokens import public_networks
from tokens.deadline_response import TimedResponse, remaining

DEADLINE = 5.0  # seconds
MAX_BYTES = 512 * 1024
CHUNK = 16 * 1024
Answer = TypeVar("Answer")


class FetchError(Exception):
    """The document could not be fetched, or the form could not be posted. The message gives the reason."""


class StatusError(FetchError):
    """The server answered with a status that is not a success."""

    def __init__(self, host: str | None, status: int) -> None:
        super().__init__(f"{host}: it answered {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Download:
    """A document, and the headers of the response by name in lower case. The values of a repeated header are joined."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A connection to the server of a URL, and the deadline for the request and its answer (monotonic clock)."""

    parts: SplitResult
    wire: socket.socket
    until: float


def get_json(url: str, *, allow_private: bool = False, deadline: float = DEADLINE) -> Any:
    """Fetch and parse the JSON document at `url` within `deadline` seconds.

    `allow_private` permits addresses in private networks, and http on loopback, for development. Raises FetchError if
    the document cannot be fetched or is not JSON.
    """
    document = get(url, allow_private=allow_private, deadline=deadline)
    try:
        return json.loads(document.body)
    except (ValueError, RecursionError) as error:  # their text can quote the document
        raise FetchError(f"{urlsplit(url).hostname}: {type(error).__name__}") from error


def get(url: str, *, allow_private: bool = False, deadline: float = DEADLINE, longest: int = MAX_BYTES) -> Download:
    """Fetch the document of at most `longest` bytes at `url` within `deadline` seconds.

    Raises StatusError if the status is not 200, and FetchError after any other failure. For `allow_private` see
    `get_json`.
    """
    return _exchange(url, partial(_download, longest=longest), allow_private=allow_private, deadline=deadline)


def post_form(url: str, fields: Mapping[str, str], *, allow_private: bool = False, deadline: float = DEADLINE) -> None:
    """Post a form to `url` within `deadline` seconds. Returns if the status is 200 or 204.

    Raises StatusError after another status, and FetchError after any other failure. For `allow_private` see `get_json`.
    """
    _exchange(url, partial(_post, form=urlencode(fields)), allow_private=allow_private, deadline=deadline)


def _exchange(url: str, ask: Callable[[Exchange], Answer], *, allow_private: bool, deadline: float) -> Answer:
    """Connect to the server of `url`, call `ask` with the connection, and return the answer of `ask`.

    Raises FetchError for every failure.
    """
    until = time.monotonic() + deadline
    parts = _parts(url, allow_private=allow_private)
    try:
        with closing(_open(parts, until, allow_private=allow_private)) as wire:
            return ask(Exchange(parts, wire, until))
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Only the text of an OSError is repeated: the text of other errors can quote the document.
        reason = str(error) if isinstance(error, OSError) and str(error) else type(error).__name__
        raise FetchError(f"{parts.hostname}: {reason}") from error


def _parts(url: str, *, allow_private: bool) -> SplitResult:
    """Return the parts of the address. Raises FetchError if it is malformed or not https.

    `allow_private` also permits http.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchError("the address is malformed") from None
    unfit = not parts.hostname or parts.username or parts.password or parts.fragment or port == 0
    # Control characters and blanks could end the request line: http.client would send a second header (injection).
    if unfit or not url.isascii() or any(character <= " " for character in url):
        raise FetchError("the address is malformed")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise FetchError("the address is not https")
    return parts


def _open(parts: SplitResult, until: float, *, allow_private: bool) -> socket.socket:
    """Return a connection to the host, with TLS for https. `until` is the deadline (monotonic seconds).

    Raises FetchError if an IP address of the host is not permitted, and OSError if the connection fails.
    """
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    # Resolve once and connect to the checked addresses: a second resolution might return others (DNS rebinding).
    addresses = _resolve(host, port, until)
    for address in addresses:
        _check(host, address, parts.scheme, allow_private=allow_private)
    plain = _connect([(address, port) for address in addresses], until)
    if parts.scheme == "http":
        return plain
    try:
        plain.settimeout(remaining(until))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def _resolve(host: str, port: int, until: float) -> list[str]:
    """Return the IP addresses of a host. Raises OSError if there is none, and TimeoutError after the deadline."""
    results: list[Any] = []

    def resolve() -> None:
        try:
            results.append([str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except (OSError, UnicodeError) as error:
            results.append(OSError(f"the name could not be resolved ({type(error).__name__})"))

    # `getaddrinfo` takes no timeout, so it runs in a thread, which might continue after the deadline.
    resolver = threading.Thread(target=resolve, daemon=True)
    try:
        resolver.start()
    except RuntimeError as error:
        raise OSError("no thread can be started") from error
    resolver.join(remaining(until))
    if not results:
        raise TimeoutError("the name was not resolved in time")
    if isinstance(results[0], OSError):
        raise results[0]
    return list(dict.fromkeys(results[0]))


def _check(host: str, address: str, scheme: str, *, allow_private: bool) -> None:
    """Raise FetchError if the IP address `address` of `host` is not permitted.

    Without `allow_private`, the address must be public. With the scheme http, it must be a loopback address.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if not (allow_private or public_networks.contains(parsed)):
        raise FetchError(f"{host}: its address is not public")
    if scheme == "http" and not parsed.is_loopback:
        raise FetchError("the address is not https (http is permitted on loopback in development only)")


def _connect(addresses: Sequence[tuple[str, int]], until: float) -> socket.socket:
    """Connect to one of `addresses`, pairs of IP address and port, and return the connection. Tries them in order.

    `until` is the deadline in monotonic seconds. Raises OSError if no address accepts the connection before the
    deadline.
    """
    failure: OSError = OSError("the name has no address")
    for tried, address in enumerate(addresses):
        try:
            # Each address gets an equal share of the time that is left, so that a dead one does not use it up.
            return socket.create_connection(address, timeout=remaining(until) / (len(addresses) - tried))
        except OSError as error:
            failure = error
    raise failure


def _begin(exchange: Exchange, method: str, *, body: str | None = None) -> TimedResponse:
    """Send the request, and return the answer with its body unread.

    `body` is the encoded form to post, or None.
    """
    parts, wire = exchange.parts, exchange.wire
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.netloc)
    connection.sock = wire
    wire.settimeout(remaining(exchange.until))
    headers = {"Accept": "application/json, */*;q=0.1", "Accept-Encoding": "identity", "Connection": "close"}
    form = {} if body is None else {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, target, body, headers | form)
    response = TimedResponse(wire, exchange.until)
    response.begin()
    return response


def _post(exchange: Exchange, *, form: str) -> None:
    """Post `form` to the address of `exchange`. Raises StatusError unless the status is 200 or 204."""
    response = _begin(exchange, "POST", body=form)
    if response.status not in {http.client.OK, http.client.NO_CONTENT}:
        raise StatusError(exchange.parts.hostname, response.status)


def _download(exchange: Exchange, *, longest: int) -> Download:
    """Fetch the document at the address of `exchange`. Raises StatusError unless the status is 200."""
    response, parts = _begin(exchange, "GET"), exchange.parts
    if response.status != http.client.OK:
        raise StatusError(parts.hostname, response.status)
    # A small compressed document could expand to gigabytes.
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError(f"{parts.hostname}: it answered with a compressed document")
    headers = {name.lower(): ", ".join(response.headers.get_all(name, [])) for name in response.headers}
    return Download(_read(response, longest), headers)


def _read(response: http.client.HTTPResponse, longest: int) -> bytes:
    body = b""
    while chunk := response.read1(CHUNK):
        body += chunk
        if len(body) > longest:
            raise FetchError(f"the document is longer than {longest} bytes")
    if response.length:  # bytes of Content-Length that did not come
        raise FetchError("the document is shorter than its Content-Length")
    return body
