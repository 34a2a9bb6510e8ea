"""Run a function in another thread with a time limit, so that a function that hangs does not block a request.

- A thread that is free takes the next call; at most LIMIT threads exist. If all are busy, the call is refused at once.
- A call that takes too long is abandoned: its caller goes on, and its thread is free again when the function returns.
- The threads are daemons, so that a function that hangs does not keep a process from ending.
- A thread has its own database connections, and sees only committed data, not the transaction of its caller.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from queue import SimpleQueue
from typing import Any

from django.db import close_old_connections

LIMIT = 8
"""The greatest number of threads of one process."""

Job = tuple["Future[Any]", Callable[[], Any]]

_free: "list[SimpleQueue[Job]]" = []
"""The queues of the threads that wait for a call. Lives as long as the process; guarded by `_lock`."""
_started = 0
"""The number of threads; guarded by `_lock`."""
_lock = threading.Lock()


class AllBusy(Exception):
    """Every thread is still running a function of an earlier call."""


def run(function: Callable[[], Any], *, within: timedelta) -> Any:
    """Run `function` and return its result, or raise its exception.

    Raises TimeoutError if the function takes longer than `within`, and AllBusy if no thread is free.
    """
    result: Future[Any] = Future()
    _thread().put((result, partial(copy_context().run, function)))
    return result.result(within.total_seconds())


def _thread() -> "SimpleQueue[Job]":
    """Return the job queue of a free thread, or of a new thread if none is free. Raises AllBusy if LIMIT are busy."""
    global _started  # noqa: PLW0603 (state of the process)
    with _lock:
        if _free:
            return _free.pop()
        if _started >= LIMIT:
            raise AllBusy(f"all {LIMIT} threads are occupied by calls that have not returned")
        _started += 1
    jobs: SimpleQueue[Job] = SimpleQueue()
    threading.Thread(target=_serve, args=(jobs,), name="claims", daemon=True).start()
    return jobs


def _serve(jobs: "SimpleQueue[Job]") -> None:
    """Run the functions from the queue `jobs` one after the other, until the process ends.

    Each job is a function and the Future that gets its result or exception.
    """
    while True:
        result, function = jobs.get()
        value, error = _call(function)
        with _lock:
            _free.append(jobs)
        # Only after the thread is in `_free`, because its caller can call again at once.
        if error is None:
            result.set_result(value)
        else:
            result.set_exception(error)


def _call(function: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """Run `function` with fresh database connections. Return its result and None, or None and its exception.

    Any exception that is not an Exception, such as SystemExit, is returned as a RuntimeError.
    """
    close_old_connections()
    try:
        return function(), None
    except Exception as error:  # noqa: BLE001 (the caller gets it)
        return None, error
    except BaseException as error:  # noqa: BLE001 (SystemExit must not end the caller's thread)
        return None, RuntimeError(f"the function raised {type(error).__name__}")
    finally:
        close_old_connections()
