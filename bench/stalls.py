"""A process that requests /healthz continuously and measures the waits (`python -m bench.stalls HOST PORT PID...`).

A request counts only if the threads of the issuer and of this process got a processor when they were runnable.
Otherwise, other work on the machine caused the wait. The kernel counts, for each thread, the time in which it was
runnable without a processor (/proc/PID/task/TID/schedstat). A thread that waits for the interpreter, for a lock or for
the database is not runnable, so such waits count.
"""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.priority import ahead

HEALTH = "/healthz"
DELAYED = 2.0  # milliseconds without a processor, of all threads together, from which a request does not count


@dataclass(frozen=True, slots=True)
class Waits:
    """The result of a run. `longest` is the longest wait of the `counted` requests, in milliseconds.

    `left_out` is the number of requests that do not count, because other work on the machine delayed them.
    """

    longest: float
    counted: int
    left_out: int

    @property
    def requests(self) -> int:
        """Return the number of all requests, `counted` plus `left_out`."""
        return self.counted + self.left_out


class Stalls:
    """The running process `python -m bench.stalls`, which measures how long the issuer stands still.

    The process has real-time priority if that is allowed.
    """

    def __init__(self, url: str, processes: Sequence[int]) -> None:
        host, port = url.rpartition("/")[2].split(":")
        command = [sys.executable, "-m", "bench.stalls", host, port, *map(str, processes)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._process.stdout.readline()  # it has begun

    def end(self) -> Waits:
        """Stop the process, and return what it measured."""
        out, _ = self._process.communicate("")
        return Waits(*json.loads(out))


def main(host: str, port: str, *processes: str) -> None:
    """Request /healthz until standard input is closed, and print the fields of Waits as JSON.

    `processes` are the ids of the issuer's processes.
    """
    ended = threading.Event()
    threading.Thread(target=_await_end, args=(ended,), daemon=True).start()
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    watched = [Path(f"/proc/{process}/task") for process in (*processes, os.getpid())]
    longest, counted, left_out = 0.0, 0, 0
    with ahead(os.getpid()):
        print(flush=True)
        delayed = delays(watched)
        while not ended.is_set():
            took = health_milliseconds(connection)
            before, delayed = delayed, delays(watched)
            if delayed - before < DELAYED:
                longest, counted = max(longest, took), counted + 1
            else:
                left_out += 1
            time.sleep(0.001)
    print(json.dumps([longest, counted, left_out]))


def health_milliseconds(connection: http.client.HTTPConnection) -> float:
    """Send one request of /healthz, and return the milliseconds until its answer."""
    start = time.perf_counter()
    connection.request("GET", HEALTH)
    connection.getresponse().read()
    return (time.perf_counter() - start) * 1000


def delays(watched: Sequence[Path]) -> float:
    """Return the milliseconds in which threads were runnable but had no processor, summed over all threads so far.

    `watched` are the folders /proc/PID/task of the processes.
    """
    total = 0
    for tasks in watched:
        for thread in tasks.iterdir():
            with suppress(OSError):
                total += int((thread / "schedstat").read_text().split()[1])
    return total / 1e6


def _await_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main(*sys.argv[1:])
