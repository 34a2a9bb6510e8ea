"""A lock on a folder of databases and environment files, so that one `make run` at a time uses the folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another process uses the folder. The message is one line."""


@contextmanager
def hold(var: Path) -> Iterator[None]:
    """Hold the lock of the folder while the block runs. The kernel releases the lock if the process dies.

    Raises AlreadyRunning if another process holds the lock.
    """
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
