"""The installed issuer: the command `keyturn`, in a folder that also has `tokens`, `project` and `resources`.

Owns: the command, and the folder in which Python finds the three packages. The packages keep their names, because
database rows, migrations and settings contain these names (docs/decisions/015-packages.md).
Does not own: the work of the command (`tokens`, `project`).
Steps: none of the seven in README.md.
Neighbours: imports `project` to serve. In a checkout, the packages are not in this folder, and `manage.py` is used
instead of this command.
"""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent

# The folder is first on the path, so that no other package named `project` or `tokens` is imported instead. Only a
# process that imports this package sees the three names, because they are not in site-packages itself.
if (HOME / "tokens").is_dir() and str(HOME) not in sys.path:
    sys.path.insert(0, str(HOME))
