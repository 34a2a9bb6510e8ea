"""The clock of the edges (views, commands, admin) in tests: frozen at an instant."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from unittest.mock import patch

At = Callable[[datetime], ExitStack]


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
