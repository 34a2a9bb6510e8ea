"""Send HTTP/1.1 requests byte by byte, each on a connection of its own.

HTTP client libraries repair or refuse the malformed requests that the trials need.
"""

import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT = 8.0  # seconds for a request, including the connection
LONGEST = 256 * 1024  # bytes that are read of an answer


class NoAnswer(Exception):
    """The server sent no HTTP answer. The message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer to a request. The names in `headers` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Address:
    """The scheme, host, port and base path of the tested server."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return the value of the Host header: the host, and the port unless it is the scheme's default port."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.scheme == "https" else 80) else f"{name}:{self.port}"


def target(url: str) -> Address:
    """Return the address of an http or https URL. Raises ValueError if it has a query or fragment, or is malformed."""
    problem = f"the URL must look like https://issuer.example, not {url!r}"
    try:
        parts, explicit_port = urlsplit(url), urlsplit(url).port
    except ValueError:  # an incomplete IPv6 address, or an invalid port
        raise ValueError(problem) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(problem)
    port = explicit_port or (443 if parts.scheme == "https" else 80)
    return Address(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


def connect(where: Address, *, context: ssl.SSLContext | None) -> socket.socket:
    """Open a connection, with TLS unless `context` is None.

    Raises OSError if the connection fails, or takes longer than TIMEOUT seconds.
    """
    wire = socket.create_connection((where.host, where.port), timeout=TIMEOUT)
    if context is None:
        return wire
    try:
        return context.wrap_socket(wire, server_hostname=where.host)
    except BaseException:  # wrap_socket leaves the socket open if the handshake fails
        wire.close()
        raise


def request(method: str, path: str, host: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return the bytes of a request with `Connection: close`. If `host` is "", the request has no Host header."""
    lines = [f"{method} {path} HTTP/1.1"]
    if host:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def exchange(where: Address, sent: bytes, *, context: ssl.SSLContext | None) -> Answer:
    """Open a connection to `where`, send the bytes `sent`, and return the answer. For `context` see `connect`.

    Raises NoAnswer if the connection fails, or after TIMEOUT seconds.
    """
    until = time.monotonic() + TIMEOUT
    try:
        with connect(where, context=context) as wire:
            wire.sendall(sent)
            return _parsed(_received(wire, until))
    except OSError as error:
        raise NoAnswer(f"{type(error).__name__} {error}".strip()) from error


def _received(wire: socket.socket, until: float) -> bytes:
    received = b""
    while len(received) < LONGEST and not _is_whole(received):
        wire.settimeout(max(0.01, until - time.monotonic()))  # not 0, which would mean non-blocking
        part = wire.recv(65536)
        if not part:
            break
        received += part
    return received


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = _headers(head).get("content-length", "")
    return bool(end) and length.isdecimal() and len(body) >= int(length)


def _parsed(received: bytes) -> Answer:
    head, end, body = received.partition(b"\r\n\r\n")
    status = head.partition(b"\r\n")[0].split(b" ")
    if not end or len(status) < 2 or not status[0].startswith(b"HTTP/") or not status[1].isdigit():
        raise NoAnswer("the connection was closed without an answer")
    return Answer(int(status[1]), _headers(head), body)


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}
