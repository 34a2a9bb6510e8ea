"""A lock on a folder of databases and environment files: one `make run` at a time uses it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another process uses the folder. The message is one line."""


@contextmanager
def held(var: Path) -> Iterator[None]:
    """Hold the lock of the folder in the block. Raises AlreadyRunning. The kernel releases it if the process dies."""
    var.mkdir(parents=True, exist_ok=True)
    folder = os.open(var, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"Another `make run` uses {var}. Stop it first, or use a second clone.") from None
        yield
    finally:
        os.close(folder)
