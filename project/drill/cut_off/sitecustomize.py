"""Make connections from this process to DRILL_CUT_PORT fail while the file DRILL_CUT_FILE exists.

The connections fail as if the network had no route.

Python imports this module at the start of each process that has this folder on PYTHONPATH. In the drill, only one API
has this folder on PYTHONPATH.
"""

import errno
import os
import socket
from pathlib import Path
from typing import Any

_FILE, _PORT = Path(os.environ.get("DRILL_CUT_FILE", "")), os.environ.get("DRILL_CUT_PORT", "")
_connect = socket.socket.connect


def _refusing(self: socket.socket, address: Any, /) -> None:
    if isinstance(address, tuple) and str(address[1]) == _PORT and _FILE.exists():
        raise OSError(errno.ENETUNREACH, "Network is unreachable")
    _connect(self, address)


if _PORT:
    socket.socket.connect = _refusing  # type: ignore[method-assign,assignment]
