"""Free ports for servers of the tests, which no other process on the machine takes before the server does.

- The ports are below the ephemeral range, so the kernel gives none of them to an outgoing connection. So a server can
  be stopped and started again on its port.
- The ports are random, because several pytest processes choose ports at the same time. `secrets` chooses them, because
  pytest-randomly gives `random` the same seed in every process.
"""

import secrets
from pathlib import Path

from project.launch.ports import is_taken

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST, EPHEMERAL = 10_000, 32_768
LOOPBACK = ("127.0.0.1", "::1")

_drawn: set[int] = set()
"""Ports that this process gave out; no test gets a port of an earlier one."""


def free() -> int:
    """Return a port on which no process listens at 127.0.0.1 or ::1. Each call in a process returns another port."""
    below = _ephemeral()
    while True:
        port = LOWEST + secrets.randbelow(below - LOWEST)
        if port not in _drawn and not any(is_taken(address, port) for address in LOOPBACK):
            _drawn.add(port)
            return port


def _ephemeral() -> int:
    """Return the first port of the ephemeral range, from which the kernel takes ports of outgoing connections.

    Returns EPHEMERAL if the range is unknown, or begins too low to leave room for the tests.
    """
    first = int(RANGE.read_text(encoding="ascii").split()[0]) if RANGE.exists() else EPHEMERAL
    return first if first > LOWEST + 1000 else EPHEMERAL
