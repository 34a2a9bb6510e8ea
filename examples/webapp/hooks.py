"""Hooks of the requests library. They are called with each response that this application receives.

In production, there are no hooks. In development, `picture.apps` adds one, which records the requests and responses of
the flow.
"""

from collections.abc import Callable
from typing import Any

HOOKS: dict[str, list[Callable[..., Any]]] = {"response": []}
