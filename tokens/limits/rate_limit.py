"""Rate limits: counts requests in the shared cache, by client and address together.

- Client and address count together, so that an attacker at another address cannot lock a client out. Windows are
  fixed; the cache keeps names as hashes.
- A cache that fails or hangs is not asked for `PAUSE` seconds; then one request tries it. Until it answers, nothing is
  counted. Token requests are admitted, because secrets and tokens are too long to guess. Logins are refused.
- A cache that evicts login counters does not restart them: each process remembers the highest values that it saw, and
  writes them back.
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
from tokens.conf import Rate
from tokens.limits.circuit import Circuit
from tokens.limits.counter_memory import CounterMemory

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

IPV6_PREFIX = 64
"""Bits of an IPv6 address that are one household's: it has every address behind them."""
WITH_PORT = re.compile(r"\[(?P<v6>[^]]+)\](?::\d+)?|(?P<v4>[\d.]+):\d+")
"""How a proxy writes an address with its port, which is another one for each connection."""
GUESSING = frozenset({"login", "logins", "device-code"})
"""Where guessing pays: counted where no invented client pushes a counter out."""

PAUSE = 5  # seconds
PROBE = "rate:probe"

guesses = cast("BaseCache", ConnectionProxy(caches, "guesses"))
circuits: dict[str, Circuit] = {}
"""By the location of a cache, because two caches in one Redis fail together. Lives as long as the process."""
memory = CounterMemory(20_000)
"""Values of login counters. Lives as long as the process."""


class TooMany(Exception):
    """The limit is reached; `retry_after` is in seconds, `first` says that nobody was told yet in this window."""

    def __init__(self, retry_after: int, *, first: bool) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after
        self.first = first


class NotCounted(Exception):
    """The shared cache did not answer."""


def count(what: str, who: Sequence[str], rate: Rate, *, now: datetime) -> None:
    """Count one attempt of `who` at `what`. Raises TooMany from the first on that is over `rate`, and NotCounted."""
    window, passed = divmod(int(now.timestamp()), rate.seconds)
    name = hashlib.sha256("\0".join(who).encode("utf-8", "surrogatepass")).hexdigest()
    key = f"rate:{what}:{name}:{window}"
    lasts = 2 * rate.seconds
    if what in GUESSING:
        counted = _asked("guesses", lambda: _increment_kept(key, lasts), now=now)
    else:
        counted = _asked("default", lambda: _increment(cache, key, lasts), now=now)
    if counted > rate.number:
        raise TooMany(rate.seconds - passed, first=counted == rate.number + 1)


def keep(key: str, value: object, seconds: int, *, now: datetime) -> None:
    """Put a value into the shared cache for so many seconds. Raises NotCounted."""
    _asked("default", lambda: cache.set(key, value, seconds), now=now)


def take(key: str, *, now: datetime) -> object:
    """Return a value of the shared cache and delete it, or return None if there is none. Raises NotCounted.

    Of several callers that read it at once, only the one that deletes it gets it.
    """

    def taken() -> object:
        value = cache.get(key)
        return value if value is not None and cache.delete(key) else None

    return _asked("default", taken, now=now)


def takes_counters(alias: str, *, now: datetime) -> bool:
    """True if the cache `alias` takes a counter now. Does not ask a cache that failed within PAUSE."""
    counters = guesses if alias == "guesses" else cache
    try:
        _asked(alias, lambda: counters.set(PROBE, 0, 60), now=now)
    except NotCounted:
        return False
    return True


def _asked(alias: str, question: Callable[[], Answer], *, now: datetime) -> Answer:
    """Ask the cache unless it failed within PAUSE. Raises NotCounted."""
    circuit, at = _circuit(alias), now.timestamp()
    if not circuit.admits(at):
        raise NotCounted
    try:
        answer = question()
    except Exception as error:  # the cache's own kinds, whichever it is
        circuit.failed(at)
        logger.error("Requests are not counted: the cache does not answer (%s)", type(error).__name__)  # noqa: TRY400
        raise NotCounted from error
    circuit.succeeded()
    return answer


def _circuit(alias: str) -> Circuit:
    place = str(settings.CACHES[alias].get("LOCATION", alias))
    return circuits.get(place) or circuits.setdefault(place, Circuit(PAUSE))


def _increment(counters: BaseCache, key: str, lasts: int) -> int:
    counters.add(key, 0, lasts)
    try:
        return int(counters.incr(key))
    except ValueError:  # the counter expired in between, so its window has ended
        return 0


def _increment_kept(key: str, lasts: int) -> int:
    """Increment the counter, from the highest value that this process saw if the cache lost it.

    That value is read before the cache is asked, so a lower answer means a loss, never a race.
    """
    known = memory.highest(key)
    counted = _increment(guesses, key, lasts)
    if counted <= known:
        counted = known + 1
        guesses.set(key, counted, lasts)
        logger.warning("The cache lost a login counter, which is written back: see maxmemory-policy of its Redis")
    memory.record(key, counted)
    return counted


def address(request: HttpRequest) -> str:
    """Where a request comes from: the connection, or what the proxy in front says (BEHIND_PROXY).

    A proxy appends the address that it sees; what stands before that was written by the visitor. An IPv6 address counts
    by its first 64 bits.
    """
    seen = str(request.META.get("REMOTE_ADDR", ""))
    if conf.issuer().behind_proxy:
        seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or seen
    if ported := WITH_PORT.fullmatch(seen):
        seen = ported["v6"] or ported["v4"]
    try:
        known = ipaddress.ip_address(seen)
    except ValueError:
        return seen
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is None:
        return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False))
    return str(getattr(known, "ipv4_mapped", None) or known)
