"""Bound how many passwords are hashed at once, so that logins leave a core and threads for token requests.

- Hashing a password takes one core for some tenths of a second. A slot is the permission to hash one password.
- There is one slot fewer than cores, but at least one: with 4 cores, there are 3 slots. All processes of a machine with
  the same SECRET_KEY share the slots.
- At most `ROOM` logins of a process hash a password or wait for a slot at the same time. A further login is refused
  with Busy at once. A login that gets no slot within `PATIENCE` seconds is refused, too.
- A slot is taken before the user is looked up, so that neither a refusal nor its timing reveals which names exist.
- Client secrets need no slot: they are random, and stored as one HMAC (tokens/clients/client_secret.py).
- An imported client secret keeps its slow hash until the client first uses the secret. These slow hashes have a slot of
  their own, so that they delay no login.
"""

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.utils.crypto import salted_hmac

ROOM = 4
"""The most logins of a process that hash or wait at once: half of its threads (project.launch.serve)."""
PATIENCE = 1.0  # seconds
PAUSE = 0.02  # seconds
RETRY_AFTER = 2  # seconds
QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""The CPU quota of a container with control groups version 2."""


observers: list[Callable[[str], None]] = []
"""Functions that are called with "entered", "left" or "refused" for each login, by which project/metrics/ counts."""


class Busy(Exception):
    """Too many passwords are being hashed. `retry_after` is in seconds."""

    retry_after = RETRY_AFTER


class Bound:
    """A set of `number` slots, shared by all processes of this machine that use the same `name`.

    `room` is the greatest number of logins of this process that may hash a password or wait for a slot. `patience` is
    the longest wait for a slot in seconds.
    """

    def __init__(self, number: int, name: str, *, room: int = ROOM, patience: float = PATIENCE) -> None:
        self._name = name
        self._number = number
        self._patience = patience
        self._room = threading.BoundedSemaphore(room)
        self._own = threading.BoundedSemaphore(min(number, room))

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot, the permission to hash one password, for the duration of the block.

        Raises Busy if no slot becomes free within `patience` seconds. Raises Busy at once if `room` other logins of
        this process already hash a password or wait for a slot.
        """
        until = time.monotonic() + self._patience
        if not self._room.acquire(blocking=False):
            _tell("refused")
            raise Busy
        _tell("entered")
        # The process's own semaphore comes first, because it wakes a waiter. For the machine's slots, a waiter polls.
        try:
            if not self._own.acquire(timeout=self._patience):
                _tell("refused")
                raise Busy
            try:
                with self._of_machine(until):
                    yield
            finally:
                self._own.release()
        finally:
            self._room.release()
            _tell("left")

    @contextmanager
    def _of_machine(self, until: float) -> Iterator[None]:
        """Hold one of the machine's slots for the duration of the block.

        Raises Busy if none becomes free until the instant `until` (monotonic clock).
        """
        lock = self._bind()
        while lock is None:
            if time.monotonic() >= until:
                _tell("refused")
                raise Busy
            time.sleep(PAUSE)  # another process holds the slots; there is no event to wait for
            lock = self._bind()
        with lock:
            yield

    def _bind(self) -> socket.socket | None:
        """Take one of the machine's slots. Returns None if all are taken.

        A slot is a name in Linux's abstract namespace of sockets. Only one process can bind a name at a time, and the
        kernel frees the name when that process ends. On other systems each process has slots of its own.
        """
        try:
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        except (AttributeError, OSError):  # no Unix sockets: the process's own slots are the only bound
            return socket.socket()
        for number in range(self._number):
            try:
                lock.bind(f"\0{self._name}-{number}")
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
            return lock
        lock.close()
        return None


def _tell(what: str) -> None:
    for observe in observers:
        observe(what)


@cache
def bound() -> Bound:
    """Return the process's only `Bound` for logins. It has `cores() - 1` slots, but at least one."""
    # Any process can bind a name in this namespace. The name is unguessable, so that other users cannot take the slots.
    name = salted_hmac("tokens.hashing", "slots", algorithm="sha256").hexdigest()
    return Bound(max(1, cores() - 1), f"keyturn-{name[:24]}")


@cache
def bound_for_secrets() -> Bound:
    """Return the process's only `Bound` for imported client secrets. It lets a machine hash one secret at a time."""
    name = salted_hmac("tokens.hashing", "secrets", algorithm="sha256").hexdigest()
    return Bound(1, f"keyturn-{name[:24]}", room=2)


def cores(quota: Path = QUOTA) -> int:
    """Return how many cores this process may use, by its affinity and by its container's quota."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        microseconds, period = quota.read_text().split()
        return max(1, min(usable, int(microseconds) // int(period)))
    except (OSError, ValueError):  # no quota, or "max"
        return usable
