"""Free ports for servers of the tests, which nothing else on the machine takes before the server does.

- They lie below the ephemeral range: the kernel gives none of them to an outgoing connection. So a server can also be
  stopped and started again on its port.
- They are drawn by chance, because several pytest processes draw at the same time. `secrets` draws, because
  pytest-randomly sets every process's `random` to one seed.
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
    """Return a port that nothing listens on, at either loopback address."""
    below = _ephemeral()
    while True:
        port = LOWEST + secrets.randbelow(below - LOWEST)
        if port not in _drawn and not any(is_taken(address, port) for address in LOOPBACK):
            _drawn.add(port)
            return port


def _ephemeral() -> int:
    """Return the first port that the kernel gives to outgoing connections, if that leaves room below."""
    first = int(RANGE.read_text(encoding="ascii").split()[0]) if RANGE.exists() else EPHEMERAL
    return first if first > LOWEST + 1000 else EPHEMERAL
