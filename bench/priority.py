"""Gives a process real-time priority, so that other processes do not delay it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def ahead(process: int) -> Iterator[bool]:
    """Give the threads of a process real-time priority while the block runs. Yields False if that is not allowed."""
    allowed = _schedule(process, os.SCHED_RR, 1)
    try:
        yield allowed
    finally:
        _schedule(process, os.SCHED_OTHER, 0)


def _schedule(process: int, policy: int, priority: int) -> bool:
    try:
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))
    except (PermissionError, FileNotFoundError):  # not allowed, or the process has ended
        return False
    return True
