"""The background thread of a process: it rereads rings and metadata, records high-water marks, and counts tokens.

A process that serves starts it (project/background.py). Commands never do.
"""

import os
from collections.abc import Callable
from datetime import datetime

from tokens.audit.tally import tally
from tokens.keys.refresher import RINGS, Duty, Refresher
from tokens.metadata import catalog
from tokens.revoking import high_water

observers: list[Callable[[datetime], None]] = []
"""Functions that read the database for metrics, after each round (project/metrics/). Lives as long as the process."""


def record(*, now: datetime) -> None:
    """Record high-water marks, write the counts of tokens and refusals, and call the observers."""
    high_water.recorder.record(now=now)
    tally.flush(now=now)
    for observe in observers:
        observe(now)


refresher = Refresher((RINGS, Duty(catalog.snapshots, lambda: (catalog.REGISTRY,))), record=record)
"""Lives as long as the process. Its thread runs from start to stop."""
# Threads do not survive a fork, so a worker process starts its own.
os.register_at_fork(after_in_child=refresher.start_again_in_child)
