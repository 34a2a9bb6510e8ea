"""The Python environment of the servers that come from PyPI. It is made from a lock, and stays in `.environments/`."""

import re
from pathlib import Path

from tests import pinned

LOCK = Path(__file__).resolve().parent / "requirements.txt"


def python() -> Path:
    """Return the Python interpreter of the environment.

    Makes the environment if it is missing, or if the lock has changed.
    """
    return pinned.programs("servers", LOCK) / "python"


def version(distribution: str) -> str:
    """Return the version of a distribution that the lock pins."""
    return re.findall(rf"^{distribution}(?:\[\w+\])?==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)[0]
