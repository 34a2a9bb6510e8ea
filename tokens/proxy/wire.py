"""Sends one HTTP/1.1 request over its own socket, with exactly the bytes that a trial needs."""

import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

WITHIN = 8.0  # seconds for one request, connection included
LONGEST = 256 * 1024  # bytes of an answer that are read


class NoAnswer(Exception):
    """There was no HTTP answer. The message says what happened instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, and body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Address:
    """The host, port and path of requests. `target` builds it from a URL."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header, without the port if that is the scheme's default."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.scheme == "https" else 80) else f"{name}:{self.port}"


def target(url: str) -> Address:
    """Return the target of an http or https URL. Raises ValueError."""
    problem = f"URL must be like https://issuer.example, not {url!r}"
    try:
        parts, given = urlsplit(url), urlsplit(url).port
    except ValueError:  # half an IPv6 address, or a port that is none
        raise ValueError(problem) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(problem)
    port = given or (443 if parts.scheme == "https" else 80)
    return Address(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


def connect(where: Address, *, context: ssl.SSLContext | None, within: float = WITHIN) -> socket.socket:
    """Open a connection. Raises OSError, of which ssl.SSLError is one."""
    wire = socket.create_connection((where.host, where.port), timeout=within)
    if context is None:
        return wire
    try:
        return context.wrap_socket(wire, server_hostname=where.host)
    except BaseException:
        wire.close()
        raise


def request(method: str, path: str, host: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return the bytes of a request that ends its connection."""
    lines = [f"{method} {path} HTTP/1.1"]
    if host:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def exchange(where: Address, sent: bytes, *, context: ssl.SSLContext | None, within: float = WITHIN) -> Answer:
    """Send bytes and return the answer. Raises NoAnswer, also if there is none after `within` seconds."""
    until = time.monotonic() + within
    try:
        with connect(where, context=context, within=within) as wire:
            wire.sendall(sent)
            return _parsed(_received(wire, until))
    except OSError as error:
        raise NoAnswer(f"{type(error).__name__} {error}".strip()) from error


def _received(wire: socket.socket, until: float) -> bytes:
    received = b""
    while len(received) < LONGEST and not _is_whole(received):
        wire.settimeout(max(0.01, until - time.monotonic()))
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
