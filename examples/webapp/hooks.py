"""Hooks of the requests library: what is called with each response that this application gets.

None in production. The picture of the flow adds its recorder in development (picture/apps.py).
"""

from collections.abc import Callable
from typing import Any

HOOKS: dict[str, list[Callable[..., Any]]] = {"response": []}
