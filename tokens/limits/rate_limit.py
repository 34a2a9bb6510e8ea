"""Rate limits: counts requests in the shared cache, by client and address together.

- Client and address count together, so that an attacker at another address cannot lock a client out.
- Windows are fixed. Cache keys contain hashes of the counted names, not the names.
- After a failure or timeout the cache is not asked for `PAUSE` seconds; then one request tries it. Until it answers,
  requests are not counted. Token requests are admitted, because secrets and tokens are too long to guess. Logins are
  refused.
- If the cache evicts a login counter, the counter does not restart. Each process remembers the highest values that it
  saw, and writes them back.
"""

import hashlib
import ipaddress
import logging
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar, cast

from django.conf import settings
from django.core.cache import BaseCache, cache, caches
from django.http import HttpRequest
from django.utils.connection import ConnectionProxy

from tokens import conf
from tokens.limits.circuit import Circuit
from tokens.limits.counter_memory import CounterMemory
from tokens.rate_settings import Rate

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

IPV6_PREFIX = 64
"""The length of the prefix of IPv6 addresses in bits: a subscriber has all addresses of such a network."""
WITH_PORT = re.compile(r"\[(?P<v6>[^]]+)\](?::\d+)?|(?P<v4>[\d.]+):\d+")
"""An address with a port, as some proxies write it. The port differs for each connection and does not count."""
GUESSING = frozenset({"login", "logins", "device-code", "factor", "factor-day"})
"""Limits against guessing. Their counters are in a cache of their own, where requests with invented client_ids cannot
evict them."""

ALIASES = ("default", "guesses")
"""The caches that count, by their names in CACHES."""
PAUSE = 5  # seconds
PROBE = "rate:probe"

guesses = cast("BaseCache", ConnectionProxy(caches, "guesses"))
circuits: dict[str, Circuit] = {}
"""By the location of a cache, because two caches in the same Redis fail together. Lives as long as the process."""
memory = CounterMemory(20_000)
"""Values of login counters. Lives as long as the process."""


class TooMany(Exception):
    """The rate limit is exceeded. `retry_after` is in seconds; `first` is True for the window's first refusal."""

    def __init__(self, retry_after: int, *, first: bool) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after
        self.first = first


class NotCounted(Exception):
    """The shared cache did not answer."""


def count(limit: str, caller: Sequence[str], rate: Rate, *, now: datetime) -> None:
    """Count a request of `caller` against `limit`. `caller` is a client or user, and an address.

    Raises TooMany for each request over `rate` within a window, and NotCounted.
    """
    window, passed = divmod(int(now.timestamp()), rate.seconds)
    name = hashlib.sha256("\0".join(caller).encode("utf-8", "surrogatepass")).hexdigest()
    key = f"rate:{limit}:{name}:{window}"
    lifetime = 2 * rate.seconds  # the clocks of two processes can be in different windows
    if limit in GUESSING:
        counted = _ask("guesses", lambda: _increment_remembered(key, lifetime), now=now)
    else:
        counted = _ask("default", lambda: _increment(cache, key, lifetime), now=now)
    if counted > rate.number:
        raise TooMany(rate.seconds - passed, first=counted == rate.number + 1)


def keep(key: str, value: object, seconds: int, *, now: datetime) -> None:
    """Put a value into the shared cache for `seconds`. Raises NotCounted if the cache does not answer."""
    _ask("default", lambda: cache.set(key, value, seconds), now=now)


def take(key: str, *, now: datetime) -> object:
    """Return a value of the shared cache and delete it, or return None if there is none.

    Raises NotCounted if the cache does not answer.
    """

    def take_once() -> object:
        value = cache.get(key)
        # Of several callers that read the value at once, only the caller whose deletion succeeds gets it.
        return value if value is not None and cache.delete(key) else None

    return _ask("default", take_once, now=now)


def takes_counters(alias: str, *, now: datetime) -> bool:
    """Return True if the cache `alias` stores a counter now. Does not ask a cache that failed within PAUSE."""
    counters = guesses if alias == "guesses" else cache
    try:
        _ask(alias, lambda: counters.set(PROBE, 0, 60), now=now)
    except NotCounted:
        return False
    return True


def is_unreachable(alias: str) -> bool:
    """Return True if the cache `alias` failed and has not answered since. Does not ask it."""
    return _circuit(alias).is_open


def _ask(alias: str, question: Callable[[], Answer], *, now: datetime) -> Answer:
    """Return the answer of the cache `alias`. Raises NotCounted if the cache fails, or failed within PAUSE."""
    circuit, at = _circuit(alias), now.timestamp()
    if not circuit.admits(at):
        raise NotCounted
    try:
        answer = question()
    except Exception as error:  # each cache backend has exception types of its own
        circuit.failed(at)
        logger.error("Requests are not counted: the cache does not answer (%s)", type(error).__name__)  # noqa: TRY400
        raise NotCounted from error
    if circuit.is_open:
        circuit.succeeded()
    return answer


def _circuit(alias: str) -> Circuit:
    place = str(settings.CACHES[alias].get("LOCATION", alias))
    return circuits.get(place) or circuits.setdefault(place, Circuit(PAUSE))


def _increment(counters: BaseCache, key: str, lifetime: int) -> int:
    """Increment a counter and return its value. A counter that does not exist begins at 1."""
    count: Callable[[str, int], int] | None = getattr(counters, "count", None)
    if count is not None:  # a cache that counts in one round trip
        return count(key, lifetime)
    counters.add(key, 0, lifetime)  # does nothing if the counter exists
    try:
        return int(counters.incr(key))
    except ValueError:  # the counter expired in between, so its window has ended
        return 0


def _increment_remembered(key: str, lifetime: int) -> int:
    """Increment the counter. If the cache lost it, continue from the highest value that this process saw."""
    # Read before the cache is asked: then a value that is not higher means a loss, never a race.
    highest = memory.highest(key)
    counted = _increment(guesses, key, lifetime)
    if counted <= highest:
        counted = highest + 1
        guesses.set(key, counted, lifetime)
        logger.warning("The cache lost a login counter, which is written back: see maxmemory-policy of its Redis")
    memory.record(key, counted)
    return counted


def address(request: HttpRequest) -> str:
    """Return the address of the sender of a request; of an IPv6 address, the network of its first 64 bits.

    With BEHIND_PROXY, it is the last address in X-Forwarded-For, else that of the connection. Returns text that is not
    an address unchanged.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    if conf.issuer().behind_proxy:
        # The proxy appends the address that it sees. The sender can write the addresses before that.
        text = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or text
    if with_port := WITH_PORT.fullmatch(text):
        text = with_port["v6"] or with_port["v4"]
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
