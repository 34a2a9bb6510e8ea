"""A process that forks while other threads could use its state, and reports which state is fresh in the child.

- IN_USE has each module that registers a function by `os.register_at_fork`. Its entry makes the state look used, and
  returns a check of the state for the child. A child that kept a held lock would wait for it forever.
- `python -m tests.forked_state` prints the modules with their results as JSON.
"""

import json
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from unittest.mock import patch

import django

Check = Callable[[], bool]
SECONDS = 30
"""The longest time for the checks in the child. After it, the kernel ends the child."""


def pool(module: Any) -> Check:
    module.share(1)  # two processes on one connection would read each other's answers
    old = module.of("default")
    return lambda: module.of("default") not in {old, None}


def circuit(module: Any) -> Check:
    old = module.circuits.of("default", "answers")
    old.failed()
    old._lock.acquire()

    def check() -> bool:
        new = module.circuits.of("default", "answers")
        return not new.is_open and not new._lock.locked()

    return check


def introspection(module: Any) -> Check:
    introspector = module.introspector("https://issuer.example")
    for _ in range(module.AT_ONCE):
        introspector._slots.acquire()
    return lambda: all(introspector._slots.acquire(blocking=False) for _ in range(module.AT_ONCE))


def throttle_cache(module: Any) -> Check:
    module.cache._lock.acquire()
    return lambda: not module.cache._lock.locked()


def counters(module: Any) -> Check:
    module.counters.count("accepted")
    module.counters._lock.acquire()
    return lambda: not module.counters._lock.locked() and not module.counters._counts


def thread_limit(module: Any) -> Check:
    module.serving.note()
    module.wait_limit._taken = 1
    module.wait_limit._lock.acquire()
    return lambda: module.serving.count() == module.wait_limit._taken == 0 and not module.wait_limit._lock.locked()


def resolve(module: Any) -> Check:
    module.lookups._pending["issuer.example", 443] = Future()
    module.lookups._lock.acquire()
    return lambda: not module.lookups._lock.locked() and not module.lookups._pending


def dpop(module: Any) -> Check:
    # The child keeps the accepted proofs, so that it refuses their replay (tests/resources/test_possession.py).
    memory = module.replay_memory()
    memory._lock.acquire()
    return lambda: not memory._lock.locked()


def poller(module: Any) -> Check:
    made = module.Poller(Future(), lambda _owner: 1.0, name="test")
    made._lock.acquire()
    return lambda: not made._lock.locked()


def flight(module: Any) -> Check:
    limits = module.Limits(deadline=60, waiters=1, patience=1, longest_backoff=60)
    flights = module.Flights(lambda _: 1, lambda *_: None, clock=lambda: 0.0, limits=limits, spawn=lambda _work: None)
    flights.start()
    flights._waiting = 1
    flights._lock.acquire()
    return lambda: flights.current() is None and not flights._waiting and not flights._lock.locked()


def sender(module: Any) -> Check:
    # Threads do not survive a fork, so the child starts one.
    module.sender._bound = nullcontext
    start = patch.object(module.sender, "start").start()
    return lambda: bool(start.called)


def background(module: Any) -> Check:
    # Threads do not survive a fork, so the child starts one.
    module.refresher._started_with = (lambda: datetime.now(UTC), nullcontext)
    start = patch.object(module.refresher, "start").start()
    return lambda: bool(start.called)


def outages(module: Any) -> Check:
    module.unavailability.note("away", endpoint="token", now=datetime.now(UTC))
    module.unavailability._lock.acquire()
    return lambda: not module.unavailability._lock.locked() and not module.unavailability._last


def jwks_uri(module: Any) -> Check:
    old = (module._registered, module._self_registered)
    return lambda: module._registered is not old[0] and module._self_registered is not old[1]


def mail_queue(module: Any) -> Check:
    # Threads do not survive a fork, and the parent sends what it has queued.
    made = module.process_queue
    made._work.put(lambda: None)
    made._thread = threading.current_thread()
    made._lock.acquire()
    return lambda: made._thread is None and made._work.empty() and not made._lock.locked()


def read_cache(module: Any) -> Check:
    made = module.Snapshots(lambda *_: None, clock=lambda: 0.0)
    made._reading.acquire()
    return lambda: not made._reading.locked()


def document_fetch(module: Any) -> Check:
    old = module.flights
    return lambda: module.flights is not old


IN_USE: dict[str, Callable[[Any], Check]] = {
    "project.postgresql.circuit": circuit,
    "project.postgresql.pool": pool,
    "resources.telemetry.counters": counters,
    "resources.possession": dpop,
    "resources.keysets.flight": flight,
    "resources.issuers.introspection": introspection,
    "resources.issuers.poller": poller,
    "resources.outbound.resolve": resolve,
    "resources.thread_limit": thread_limit,
    "resources.throttle_cache": throttle_cache,
    "tokens.account.mail_queue": mail_queue,
    "tokens.audit.outages": outages,
    "tokens.back_channel.sender": sender,
    "tokens.background": background,
    "tokens.clients.jwks_uri": jwks_uri,
    "tokens.keys.read_cache": read_cache,
    "tokens.open_clients.document_fetch": document_fetch,
}


def main() -> None:
    """Fork, and print in the child which state is fresh. Exits with an error if a check holds before the fork."""
    django.setup()
    checks = {name: use(import_module(name)) for name, use in IN_USE.items()}
    if fresh := [name for name, check in checks.items() if check()]:
        raise SystemExit(f"The checks of these modules hold without a fork: {fresh}")
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        print(json.dumps({name: check() for name, check in checks.items()}), flush=True)
        os._exit(0)
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
