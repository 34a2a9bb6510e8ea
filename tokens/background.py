"""Lists what the background refresh does: read the rings and what the metadata lists again, and record the marks.

Started by the process that serves (project/background.py), never by a command.
"""

import os

from tokens.keys.refresher import RINGS, Duty, Refresher
from tokens.metadata import catalog
from tokens.revoking import high_water

refresher = Refresher((RINGS, Duty(catalog.snapshots, lambda: (catalog.REGISTRY,))), record=high_water.recorder.record)
"""Lives as long as the process, or from one start to its stop."""
os.register_at_fork(after_in_child=refresher.start_again_in_child)
