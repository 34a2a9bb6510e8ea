"""Faults of PostgreSQL and Redis, and an API without a route to the issuer.

While PostgreSQL does not answer, the issuer cannot serve the revocation feed to APIs.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from project.drill.fault_window import UNAVAILABLE, Drill
from project.drill.ledger import BY_WEBAPP
from project.drill.topology import APIS, ISSUERS, TIMINGS

FOLLOWERS = frozenset({*APIS, "apis", BY_WEBAPP})
NOTES_AWAY = frozenset({f"{BY_WEBAPP}:503"})
"""The outcome of the API if the web application reads notes while the API cannot reach its database or the issuer."""


def stopped_postgresql(drill: Drill) -> None:
    """Stop PostgreSQL for less than the key timing `snapshot_age`.

    `snapshot_age` is how long an issuer uses data from its memory. So the public documents must still be served.
    """
    _stopped(drill, "less than N", drill.sizes.outage, frozenset({"token:503"}))


def stopped_longer(drill: Drill) -> None:
    """Stop PostgreSQL for longer than the key timing `snapshot_age`.

    The data in the memory of the issuers and the keys in the memory of the APIs become too old. The issuers must then
    answer 503, even for the public documents, and the APIs may answer 503.
    """
    _stopped(drill, "longer than N", drill.sizes.beyond_n, frozenset({"token:503", "documents:503"}))


def _stopped(drill: Drill, length: str, seconds: float, expects: frozenset[str]) -> None:
    """Stop PostgreSQL for `seconds`, and start it again.

    `length` describes `seconds` in the name of the fault. `expects` are the outcomes that the fault must cause. If
    PostgreSQL was away for longer than nodes can serve from memory, also excuse 503 of the public documents and APIs.
    """
    fault = f"PostgreSQL stopped, {length} ({seconds:g} s)"
    with drill.window(fault, excuses=UNAVAILABLE | NOTES_AWAY, expects=expects, late=FOLLOWERS) as excuses:
        began = time.time()
        drill.world.topology.postgresql.stop()
        drill.hold(seconds)
        drill.world.topology.postgresql.start()
        away = time.time() - began  # longer than `seconds` if PostgreSQL starts slowly
        if away > TIMINGS["snapshot_age"] - 2 * TIMINGS["reread"]:
            excuses.add("documents:503")
            excuses.update(f"{api}:503" for api in FOLLOWERS)


def frozen_postgresql(drill: Drill) -> None:
    """Freeze PostgreSQL with SIGSTOP. It then accepts connections and answers nothing."""
    expects = frozenset({"token:503"})
    with drill.window("PostgreSQL frozen", excuses=UNAVAILABLE | NOTES_AWAY, expects=expects, late=FOLLOWERS):
        drill.world.topology.postgresql.freeze()
        try:
            drill.hold(drill.sizes.short)
        finally:
            drill.world.topology.postgresql.thaw()


def read_only_postgresql(drill: Drill) -> None:
    """Make PostgreSQL refuse writes, as a demoted primary does."""
    postgresql = drill.world.topology.postgresql
    with drill.window("PostgreSQL read-only", excuses=UNAVAILABLE, expects=frozenset({"token:503"})):
        postgresql.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        drill.hold(drill.sizes.short)
        postgresql.execute("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


def cut_off_api(drill: Drill) -> None:
    """Cut one API off from the issuer for longer than the API may use its copy of the keys.

    In the same window, Redis is stopped and started again.
    """
    expects, cut = frozenset({"api-two:503"}), drill.world.topology.cut
    excuses = frozenset({"api-two:503", "apis:503"}) | NOTES_AWAY
    late = frozenset({"api-two", "apis", BY_WEBAPP})
    began = time.time()
    with drill.window("an API cut off from the issuer", excuses=excuses, expects=expects, late=late):
        cut.touch()
        stopped_redis(drill)
        drill.hold(max(0.0, drill.sizes.cut - (time.time() - began)))
        cut.unlink()


def stopped_redis(drill: Drill) -> None:
    """Stop Redis. The issuer must refuse logins and device codes, and must still issue tokens."""
    redis = drill.world.topology.redis
    with _redis(drill, "Redis stopped"):
        redis.stop()
        drill.hold(drill.sizes.short)
        redis.start()


def frozen_redis(drill: Drill) -> None:
    """Freeze Redis. It then accepts connections and answers nothing."""
    redis = drill.world.topology.redis
    with _redis(drill, "Redis frozen"):
        redis.signal(signal.SIGSTOP)
        drill.hold(drill.sizes.short)
        redis.signal(signal.SIGCONT)


@contextmanager
def _redis(drill: Drill, fault: str) -> Iterator[None]:
    with drill.window(fault, excuses=UNAVAILABLE, expects=frozenset({"page:503"}), settles=6, nodes=ISSUERS):
        yield
