"""Creates files for secrets and keys."""

import os
from pathlib import Path


def create(path: Path) -> int:
    """Create a file that only the user of this process can read, and return its descriptor for writing.

    Raises OSError if the file exists or cannot be created.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
