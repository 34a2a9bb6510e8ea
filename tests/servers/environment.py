"""The Python environment of the servers from PyPI. It is made from a lock file and kept in `.environments/`."""

import re
from pathlib import Path

from tests import pinned

LOCK = Path(__file__).resolve().parent / "requirements.txt"


def python() -> Path:
    """Return the path of the environment's Python interpreter.

    Makes the environment if it is missing, or if the lock file has changed.
    """
    return pinned.programs("servers", LOCK) / "python"


def version(distribution: str) -> str:
    """Return the version of a distribution, which the lock file pins."""
    return re.findall(rf"^{distribution}(?:\[\w+\])?==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)[0]
