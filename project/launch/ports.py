"""The three loopback ports: read from the environment, and probed before a process is started."""

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields

VARIABLES = {"issuer": "ISSUER_PORT", "api": "API_PORT", "webapp": "WEBAPP_PORT"}
LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class PortRefused(Exception):
    """A port cannot be used. The message is one line and names the variable to change."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The port of each process."""

    issuer: int = 8000
    api: int = 8001
    webapp: int = 8002

    def url(self, process: str) -> str:
        """Return the origin of `issuer`, `api` or `webapp`, without a trailing slash."""
        return f"http://localhost:{getattr(self, process)}"


def from_environment(environ: Mapping[str, str]) -> Ports:
    """Return the ports that ISSUER_PORT, API_PORT and WEBAPP_PORT set, or the defaults of `Ports`.

    Raises PortRefused if a variable is not a port number, or if two ports are equal.
    """
    ports = Ports(**{process: _number(name, environ) for process, name in VARIABLES.items() if environ.get(name)})
    chosen = [getattr(ports, field.name) for field in fields(ports)]
    if len(set(chosen)) < len(chosen):
        raise PortRefused("ISSUER_PORT, API_PORT and WEBAPP_PORT must be three different ports.")
    return ports


def probe(ports: Ports) -> None:
    """Raise PortRefused if another process listens on one of the ports."""
    for process, name in VARIABLES.items():
        port = getattr(ports, process)
        if any(_is_taken(family, address, port) for family, address in LOOPBACK):
            raise PortRefused(f"Port {port} is taken. Name a free one with {name}, such as {name}={free()}.")


def is_taken(address: str, port: int) -> bool:
    """Return True if another process listens on the port of this IP address."""
    # The server's own sockets (SO_REUSEPORT) would share the port, and both servers would get some of the requests.
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:  # the server reports any other error
        return error.errno == errno.EADDRINUSE
    return False


def free() -> int:
    """Return a port on which no process listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _number(name: str, environ: Mapping[str, str]) -> int:
    value = environ[name]
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 65535):
        raise PortRefused(f"{name} must be a port between 1 and 65535, not {value!r}.")
    return int(value)


def _is_taken(family: socket.AddressFamily, address: str, port: int) -> bool:
    """Return True if the port cannot be bound at the loopback address of this family (IPv4 or IPv6).

    Returns False if this machine does not support the family.
    """
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        return error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}  # this machine has no such family
    return False
