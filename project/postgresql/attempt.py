"""Make a call with a deadline on its own thread, for calls that cannot be interrupted, such as a DNS lookup."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from project.postgresql.errors import DeadlinePassed

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T], *, discard: Callable[[T], object] = lambda _late: None) -> T:
    """Run `call` on a new thread, and return its result or raise its exception. Raises DeadlinePassed after `seconds`.

    The call continues after the deadline. Its late result is passed to `discard`, and a late exception is ignored.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 (the waiting thread raises it)
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
            return
        if future.set_running_or_notify_cancel():
            future.set_result(result)
        else:
            discard(result)

    threading.Thread(target=run, name="database attempt", daemon=True).start()
    try:
        return future.result(max(0.0, seconds))
    except TimeoutError:
        if future.done() or not future.cancel():
            return future.result()
        raise DeadlinePassed(DeadlinePassed.reason) from None
