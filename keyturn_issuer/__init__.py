"""The installed issuer: the command `keyturn`, in a folder that also has `tokens`, `project` and `resources`.

Owns: the command, and where Python finds the three packages. They keep their names, because database rows, migrations
and settings contain these names (docs/decisions/015-packages.md).
Does not own: anything that the command does (`tokens`, `project`).
Steps: none.
Neighbours: imports `project` to serve. In a checkout, the packages are not in this folder; there, `manage.py` does the
same.
"""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent

# In front, so that no folder of the operator named `project` or `tokens` takes the place of ours. Only a process that
# imports this package sees the three names: site-packages itself does not have them.
if (HOME / "tokens").is_dir() and str(HOME) not in sys.path:
    sys.path.insert(0, str(HOME))
