"""Whose turn it is: one `make run` per folder of databases and environment files."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another process runs on this folder; the message is one line."""


@contextmanager
def held(var: Path) -> Iterator[None]:
    """Hold the folder for this process; raises AlreadyRunning. The kernel lets go when the process ends, however."""
    var.mkdir(parents=True, exist_ok=True)
    folder = os.open(var, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"Keyturn runs on {var} already. Stop it first; a second clone has its own.") from None
        yield
    finally:
        os.close(folder)
