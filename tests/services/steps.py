"""Runs management commands in forked children, and kills each child at a chosen moment.

For each line of JSON on stdin, such as `{"arguments": ["rotate_keys"], "after": 0.05, "statement": 7}`, it runs one
command. It kills the child after `after` seconds or before the SQL statement number `statement`, and prints a line such
as `{"killed": true, "seconds": 0.05}`. `killed` is false if the command ended first. The parent has loaded every
module, so a child is killed in the command's own work and not in Python's start.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import django
from django.core.management import call_command
from django.db import connection


def main() -> None:
    django.setup()
    for line in sys.stdin:
        order = json.loads(line)
        start = time.monotonic()
        killed = kill(order["arguments"], after=order["after"], statement=order.get("statement"))
        print(json.dumps({"killed": killed, "seconds": time.monotonic() - start}), flush=True)


def kill(arguments: list[str], *, after: float, statement: int | None) -> bool:
    """Run a command in a child process. Return True if the child was killed, False if the command ended first.

    The child is killed after `after` seconds, or before the SQL statement number `statement`, counted from 1.
    """
    child = os.fork()
    if child == 0:
        try:
            with connection.execute_wrapper(dying_at(statement)):
                call_command(*arguments)
        finally:
            os._exit(0)
    watch = os.pidfd_open(child)
    ended, _, _ = select.select([watch], [], [], after)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(watch)
    return os.WIFSIGNALED(status)


def dying_at(statement: int | None) -> Callable[..., Any]:
    """Return an execute wrapper of Django that kills this process before an SQL statement.

    `statement` is the number of the statement, counted from 1. If it is None, the wrapper kills nothing.
    """
    numbers = count(1)

    def wrapper(execute: Callable[..., Any], *arguments: Any) -> Any:
        if next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*arguments)

    return wrapper


if __name__ == "__main__":
    main()
