"""The background thread of a process: it rereads rings and metadata, and records high-water marks.

A process that serves starts it (project/background.py). Commands never do.
"""

import os

from tokens.keys.refresher import RINGS, Duty, Refresher
from tokens.metadata import catalog
from tokens.revoking import high_water

refresher = Refresher((RINGS, Duty(catalog.snapshots, lambda: (catalog.REGISTRY,))), record=high_water.recorder.record)
"""Lives as long as the process. Its thread runs from start to stop."""
# Threads do not survive a fork, so a worker process starts its own.
os.register_at_fork(after_in_child=refresher.start_again_in_child)
