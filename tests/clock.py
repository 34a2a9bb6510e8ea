"""The clocks in tests: this node's, which the edges read (views, commands, admin), and the database's.

The only module that names where a clock is read. A clock shows an instant, or the results of a function in turn.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

At = Callable[[datetime], ExitStack]
Shown = datetime | Callable[[], datetime] | Iterator[datetime]


def node_at(shown: Shown) -> Any:
    """Let this node's clock show an instant, what a function returns, or one instant after the other."""
    return _patched("django.utils.timezone.now", shown)


def database_at(shown: Shown) -> Any:
    """Let the database's clock show an instant, what a function returns, or one instant after the other."""
    return _patched("tokens.keys.store.database_now", shown)


@contextmanager
def clocks_at(shown: Shown) -> Iterator[None]:
    """Let both clocks show the same."""
    with node_at(shown), database_at(shown):
        yield


def _patched(place: str, shown: Shown) -> Any:
    return patch(place, return_value=shown) if isinstance(shown, datetime) else patch(place, side_effect=shown)


@contextmanager
def freezer() -> Iterator[At]:
    """Yield `at(instant)`, which freezes `timezone.now` for every module until the block ends.

    `with at(instant):` freezes it for that block only. Later calls replace earlier ones. `time.time` goes on.
    """
    with ExitStack() as frozen:

        def at(instant: datetime) -> ExitStack:
            block = ExitStack()
            block.enter_context(patch("django.utils.timezone.now", return_value=instant))
            frozen.push(block)
            return block

        yield at
