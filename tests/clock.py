"""The clocks in tests: the node's clock, which views, commands and the admin read, and the database's clock.

Only this module names the functions that read a clock. A test can make a clock show a fixed instant, the results of a
function, or the instants of an iterator one after the other.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

At = Callable[[datetime], ExitStack]
Shown = datetime | Callable[[], datetime] | Iterator[datetime]


def node_at(shown: Shown) -> Any:
    """Make this node's clock show a fixed instant, the results of a function, or the instants of an iterator.

    Returns a patch, which is used in a `with` statement.
    """
    return _patched("django.utils.timezone.now", shown)


def database_at(shown: Shown) -> Any:
    """Make the database's clock show a fixed instant, the results of a function, or the instants of an iterator.

    Returns a patch, which is used in a `with` statement.
    """
    return _patched("tokens.keys.store.database_now", shown)


@contextmanager
def clocks_at(shown: Shown) -> Iterator[None]:
    """Make the clocks of node and database show `shown` while the block runs."""
    with node_at(shown), database_at(shown):
        yield


def _patched(place: str, shown: Shown) -> Any:
    return patch(place, return_value=shown) if isinstance(shown, datetime) else patch(place, side_effect=shown)


@contextmanager
def freezer() -> Iterator[At]:
    """Yield a function `at(instant)`, which freezes `timezone.now` for every module.

    `with at(instant):` freezes the clock for that block only. Without `with`, the clock is frozen until the block of
    `freezer` ends, or until the next call of `at`. `time.time` is not frozen.
    """
    with ExitStack() as frozen:

        def at(instant: datetime) -> ExitStack:
            block = ExitStack()
            block.enter_context(patch("django.utils.timezone.now", return_value=instant))
            frozen.push(block)
            return block

        yield at
