"""Queries the shared caches. A circuit breaker keeps requests from waiting for a cache that failed.

- After a failure or timeout, no request queries the cache for `PAUSE` seconds. Then one request queries it again.
- Two caches in the same Redis have one circuit, because they fail together.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.core.cache import BaseCache, caches

from tokens.limits.circuit import Circuit

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

ALIASES = ("default", "guesses")
"""The caches in which requests are counted, by their names in CACHES."""
PAUSE = 5  # seconds
PROBE = "rate:probe"

circuits: dict[str, Circuit] = {}
"""The circuit for each LOCATION in CACHES at which a cache failed. Lives as long as the process."""


class NotCounted(Exception):
    """The shared cache failed, or is not queried because it failed shortly before."""


def ask(alias: str, question: Callable[[BaseCache], Answer], *, now: datetime) -> Answer:
    """Call `question` with the cache `alias`, and return its result.

    Raises NotCounted if the cache fails, or if it failed less than PAUSE seconds ago.
    """
    place, at = _place(alias), now.timestamp()
    if (circuit := circuits.get(place)) is not None and not circuit.begin_call(at):
        raise NotCounted
    try:
        answer = question(caches[alias])
    except Exception as error:  # each cache backend has exception types of its own
        circuits.setdefault(place, Circuit(PAUSE)).failed(at)
        logger.error("Requests are not counted: the cache does not answer (%s)", type(error).__name__)  # noqa: TRY400
        raise NotCounted from error
    if (circuit := circuits.get(place)) is not None and circuit.is_open:
        circuit.succeeded()
    return answer


def takes_counters(alias: str, *, now: datetime) -> bool:
    """Return True if the cache `alias` can store a counter.

    If the cache failed less than PAUSE seconds ago, returns False without querying the cache.
    """
    try:
        ask(alias, lambda cache: cache.set(PROBE, 0, 60), now=now)
    except NotCounted:
        return False
    return True


def is_unreachable(alias: str) -> bool:
    """Return True if the cache `alias` failed and has not answered since. Does not query the cache."""
    circuit = circuits.get(_place(alias))
    return circuit is not None and circuit.is_open


def _place(alias: str) -> str:
    return str(settings.CACHES[alias].get("LOCATION", alias))
