"""Stores the high-water marks of the database in Redis: the newest state of the database that any process has seen.

`high_water` compares the database with the marks. The marks are in the Redis that also has the counters of login
attempts.

- Feed versions and audit events are members of sorted sets. The greatest member of a set is the mark, so the order in
  which processes write does not matter.
- Versions of the registry are random. The mark is the last version, and a set contains the versions that were replaced.
- Without Redis, or if Redis refuses a command or does not answer, there are no marks.
- After a failure, no command is sent for PAUSE seconds. The rate limits have a circuit breaker of their own, because
  a full Redis cannot store a counter but still returns marks.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from tokens import conf
from tokens.limits.circuit import Circuit
from tokens.revoking.feed_log import Version

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

ALIAS = "guesses"
"""The cache of the login counters, which must not evict entries (docs/operations.md)."""
PAUSE = 5  # seconds
KEPT = 16
"""The most versions or events in a set. Only the greatest is read. The others are for operators, to trace a restore."""
REPLACED_KEPT = 1000
"""The most replaced versions of the registry in their set."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

circuit = Circuit(PAUSE)
"""The circuit breaker for Redis. Lives as long as the process."""


@dataclass(frozen=True, slots=True)
class Event:
    """The ID and the time of an event of the audit trail."""

    id: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The high-water marks: feed version, audit event and registry version. A mark is None if it is unknown."""

    feed: Version | None = None
    event: Event | None = None
    registry: str | None = None


def read(*, now: datetime) -> Marks | None:
    """Return the marks of the newest state of the database that any process has seen.

    Returns None without Redis, or if Redis refuses or does not answer.
    """
    return _run(_read, now=now)


def was_replaced(registry: str, *, now: datetime) -> bool:
    """Return True if Redis lists `registry`, a version of the registry, as replaced by a later version.

    Returns False without Redis, or if Redis refuses or does not answer.
    """
    return _run(lambda redis: redis.zscore(_key("replaced"), registry), now=now) is not None


def write(state: Marks, *, over: Marks, now: datetime) -> None:
    """Store `state`, the newest state of the database, as the new high-water marks in Redis.

    `over` are the old marks. The caller must read `over` from Redis first, and then `state` from the database.
    """
    # Because of this order, `state.registry` is not older than `over.registry`. If they differ, it replaced the latter.

    def change(redis: Any) -> None:
        pipeline = redis.pipeline()
        if state.feed:
            _add(pipeline, "feed", str(state.feed), state.feed.number, keep=KEPT)
        if state.event:
            _add(pipeline, "events", _packed(state.event), state.event.id, keep=KEPT)
        if state.registry and state.registry != over.registry:
            if over.registry:
                _add(pipeline, "replaced", over.registry, now.timestamp(), keep=REPLACED_KEPT)
            pipeline.set(_key("registry"), state.registry)
        pipeline.execute()

    _run(change, now=now)


def reset(*, now: datetime) -> bool:
    """Delete the high-water marks in Redis. Returns False if that failed. Returns True if there is no Redis."""
    names = ("feed", "events", "registry", "replaced")
    return not has_redis() or _run(lambda redis: redis.delete(*map(_key, names)), now=now) is not None


def has_redis() -> bool:
    """Return True if the cache with the counters of login attempts is Redis, which all processes share."""
    return isinstance(caches[ALIAS], RedisCache)


def _run(command: Callable[[Any], Answer], *, now: datetime) -> Answer | None:
    """Run `command` with a Redis client and return its result.

    Returns None if there is no Redis, if Redis refuses or does not answer, or during the pause after a failure.
    """
    backend = caches[ALIAS]
    if not isinstance(backend, RedisCache) or not circuit.begin_call(now.timestamp()):
        return None
    from redis.exceptions import ResponseError  # noqa: PLC0415 (optional, and there if a cache is in Redis)

    try:
        # `write` selects the primary. A replica can lag, and would hide the newest mark.
        answer = command(backend._cache.get_client(write=True))  # noqa: SLF001 (Django has no public way)
    except ResponseError as error:  # an answer: Redis is full, or its user may not run the command
        circuit.succeeded()
        logger.warning(
            "Redis refused the high-water marks (%s), so a restored database is not detected. Check its memory and ACL",
            type(error).__name__,
        )
    except Exception as error:  # noqa: BLE001 (redis-py and the socket raise many classes; none may fail a request)
        circuit.failed(now.timestamp())
        logger.warning(
            "Redis does not answer (%s), so a restored database is not detected until it does", type(error).__name__
        )
    else:
        circuit.succeeded()
        return answer
    return None


def _read(redis: Any) -> Marks:
    """Return the high-water marks in Redis."""
    # No transaction is needed, because each mark is compared by itself.
    pipeline = redis.pipeline(transaction=False)
    pipeline.zrevrange(_key("feed"), 0, 0)
    pipeline.zrevrange(_key("events"), 0, 0)
    pipeline.get(_key("registry"))
    feed, events, registry = pipeline.execute()
    return Marks(
        feed=_version(feed),
        event=_event(events),
        registry=registry.decode("ascii", "replace") if registry else None,
    )


def _add(pipeline: Any, name: str, member: str, score: float, *, keep: int) -> None:
    """Add `member` with its `score` to the sorted set `name`. Keeps only the `keep` members with the highest scores."""
    pipeline.zadd(_key(name), {member: score})
    pipeline.zremrangebyrank(_key(name), 0, -keep - 1)


def _key(name: str) -> str:
    """Return the Redis key of `name`, which is `feed`, `events`, `registry` or `replaced`.

    The key contains the issuer's URL.
    """
    return str(caches[ALIAS].make_key(f"marks:{conf.issuer().url}:{name}"))


def _packed(event: Event) -> str:
    """Return the event as a member of its sorted set: `<id>.<microseconds since EPOCH>`."""
    return f"{event.id}.{(event.at - EPOCH) // MICROSECOND}"


def _version(members: Sequence[bytes]) -> Version | None:
    """Return the feed version in the first of `members`, which has the form `<number>.<tag>`.

    Returns None if `members` is empty or the first is malformed.
    """
    number, _, tag = members[0].decode("ascii", "replace").partition(".") if members else ("", "", "")
    return Version(int(number), tag) if number.isdecimal() else None


def _event(members: Sequence[bytes]) -> Event | None:
    """Return the audit event in the first of `members`, which has the form `<id>.<microseconds since EPOCH>`.

    Returns None if `members` is empty or the first is malformed.
    """
    number, _, at = members[0].decode("ascii", "replace").partition(".") if members else ("", "", "")
    # A number of 18 digits or more would be beyond the range of datetime.
    if not (number.isdecimal() and at.isdecimal() and len(at) < 18):
        return None
    return Event(int(number), EPOCH + int(at) * MICROSECOND)
