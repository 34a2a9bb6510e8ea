"""Keeps the high-water marks of the database in the Redis of the login counters; `high_water` compares them.

- Feed versions and audit events are members of sorted sets. Their greatest member is the mark, so the order in which
  processes write does not matter.
- Versions of the registry are random. The mark is the last value, beside the set of values that others replaced.
- No Redis, or one that refuses or does not answer: no marks. After a failure Redis is not asked for `PAUSE` seconds,
  by a circuit apart from that of the counters, because a full Redis still reads marks and takes no counter.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ResponseError

from tokens import conf
from tokens.limits.circuit import Circuit
from tokens.revoking.feed_log import Version

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

ALIAS = "guesses"
"""The cache that evicts nothing, if one of the two does not (docs/operations.md)."""
PAUSE = 5  # seconds
KEPT = 16
"""Versions and events in a set. Only the greatest is read; the others help an operator."""
REPLACED_KEPT = 1000
"""Former versions of the registry."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

circuit = Circuit(PAUSE)
"""Lives as long as the process."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the audit trail."""

    id: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """A state of the database, as far as it is compared. None: unknown."""

    feed: Version | None = None
    event: Event | None = None
    registry: str | None = None


def read(*, now: datetime) -> Marks | None:
    """Return the newest state that any process has seen. None if there is no Redis, or it does not say."""
    return _ask(_read, now=now)


def was_replaced(registry: str, *, now: datetime) -> bool:
    """True if a later version of the registry than `registry` was seen."""
    return _ask(lambda redis: redis.zscore(_key("replaced"), registry), now=now) is not None


def write(state: Marks, *, over: Marks, now: datetime) -> None:
    """Raise the marks to a state that was read from the database after `over` was read from here."""

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

    _ask(change, now=now)


def reset(*, now: datetime) -> bool:
    """Remove the marks. Returns False if a Redis is configured and did not do it."""
    names = ("feed", "events", "registry", "replaced")
    return not has_redis() or _ask(lambda redis: redis.delete(*map(_key, names)), now=now) is not None


def has_redis() -> bool:
    """True if the counters are in a Redis, which all processes share."""
    return isinstance(caches[ALIAS], RedisCache)


def _ask(question: Callable[[Any], Answer], *, now: datetime) -> Answer | None:
    """Ask Redis. Returns None without one, if it refuses or does not answer, and within PAUSE of a failure."""
    backend = caches[ALIAS]
    if not isinstance(backend, RedisCache) or not circuit.admits(now.timestamp()):
        return None
    try:
        answer = question(backend._cache.get_client(write=True))  # noqa: SLF001 (Django has no public way)
    except ResponseError as error:  # it answered: it is full, or this user may not use the command
        circuit.succeeded()
        logger.warning("Redis keeps no marks, so no older database is noticed by it: %s", type(error).__name__)
    except Exception as error:  # noqa: BLE001 (the client's own kinds, whichever it is)
        circuit.failed(now.timestamp())
        logger.warning("Redis does not answer, so no older database is noticed by it: %s", type(error).__name__)
    else:
        circuit.succeeded()
        return answer
    return None


def _read(redis: Any) -> Marks:
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
    """Add a member to a sorted set, and remove the least ones beyond `keep`."""
    pipeline.zadd(_key(name), {member: score})
    pipeline.zremrangebyrank(_key(name), 0, -keep - 1)


def _key(name: str) -> str:
    """Return the key in Redis. It names the issuer, because two of them can share a Redis."""
    return str(caches[ALIAS].make_key(f"marks:{conf.issuer().url}:{name}"))


def _packed(event: Event) -> str:
    return f"{event.id}.{(event.at - EPOCH) // MICROSECOND}"


def _version(members: Sequence[bytes]) -> Version | None:
    """Return the version that was packed, or None without one that can be read."""
    number, _, tag = members[0].decode("ascii", "replace").partition(".") if members else ("", "", "")
    return Version(int(number), tag) if number.isdecimal() else None


def _event(members: Sequence[bytes]) -> Event | None:
    """Return the event that was packed, or None without one that can be read."""
    number, _, at = members[0].decode("ascii", "replace").partition(".") if members else ("", "", "")
    if not (number.isdecimal() and at.isdecimal() and len(at) < 18):
        return None
    return Event(int(number), EPOCH + int(at) * MICROSECOND)
