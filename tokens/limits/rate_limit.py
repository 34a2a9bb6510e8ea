"""Limits the rate of requests, by counters in the shared cache.

- Counting by client and address prevents an attacker at another address from locking the client out.
- Windows are fixed. Cache keys contain hashes of the counted names, not the names.
- If a cache fails, requests are not counted until the cache answers again. In this time, logins are refused. Token
  requests are admitted, because secrets and tokens are too long to guess.
- If the cache evicts a login counter, the counter does not restart: each process remembers the highest values that it
  has read, and writes them back.
"""

import hashlib
import ipaddress
import logging
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache

from django.core.cache import BaseCache
from django.http import HttpRequest

from tokens import conf
from tokens.limits import cache_circuit
from tokens.limits.counter_memory import CounterMemory
from tokens.settings.rate import Rate

logger = logging.getLogger(__name__)

IPV6_PREFIX = 64
"""Bits of an IPv6 address by which requests are counted: a subscriber can use all addresses of such a network."""
WITH_PORT = re.compile(r"\[(?P<v6>[^]]+)\](?::\d+)?|(?P<v4>[\d.]+):\d+")
"""An address with a port, as some proxies write it. The port differs for each connection and does not count."""
GUESSING = frozenset({"login", "logins", "device-code", "factor", "factor-day"})
"""Limits against guessing. Their counters are in a cache of their own, where requests with invented client_ids cannot
evict them."""

memory = CounterMemory(20_000)
"""The highest values of the counters of GUESSING. Lives as long as the process."""


class TooMany(Exception):
    """The rate limit is exceeded. `retry_after` is in seconds. `first` is True for the first refusal in a window."""

    def __init__(self, retry_after: int, *, first: bool) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after
        self.first = first


def count(limit: str, caller: Sequence[str], rate: Rate, *, now: datetime) -> None:
    """Count a request of `caller` against the limit that is named `limit`, such as `token`.

    `caller` names the sender of the request: in most cases a client and a network address. Raises TooMany for each
    request over `rate` within a window, and NotCounted if the cache does not answer.
    """
    window, passed = divmod(int(now.timestamp()), rate.seconds)
    name = hashlib.sha256("\0".join(caller).encode("utf-8", "surrogatepass")).hexdigest()
    key = f"rate:{limit}:{name}:{window}"
    lifetime = 2 * rate.seconds  # the clocks of two processes can be in different windows
    if limit in GUESSING:
        counted = cache_circuit.ask("guesses", lambda cache: _increment_remembered(cache, key, lifetime), now=now)
    else:
        counted = cache_circuit.ask("default", lambda cache: _increment(cache, key, lifetime), now=now)
    if counted > rate.number:
        raise TooMany(rate.seconds - passed, first=counted == rate.number + 1)


def _increment(cache: BaseCache, key: str, lifetime: int) -> int:
    """Increment a counter and return its value. A counter that does not exist begins at 1.

    `lifetime` is in seconds. Returns 0 if the counter expires during the call.
    """
    count: Callable[[str, int], int] | None = getattr(cache, "count", None)
    if count is not None:  # a cache that counts in one round trip
        return count(key, lifetime)
    cache.add(key, 0, lifetime)  # does nothing if the counter exists
    try:
        return int(cache.incr(key))
    except ValueError:  # the counter expired in between, so its window has ended
        return 0


def _increment_remembered(cache: BaseCache, key: str, lifetime: int) -> int:
    """Increment a counter and return its value. `lifetime` is in seconds.

    If the cache lost the counter, continues from the highest value that this process saw.
    """
    # Read before the increment. A count that is not above `highest` then means that the cache lost the counter: another
    # thread cannot have raised `highest` in between.
    highest = memory.highest(key)
    counted = _increment(cache, key, lifetime)
    if counted <= highest:
        counted = highest + 1
        cache.set(key, counted, lifetime)
        logger.warning("The cache lost a login counter, which is written back: see maxmemory-policy of its Redis")
    memory.record(key, counted)
    return counted


def address(request: HttpRequest) -> str:
    """Return the address of the sender of a request. For an IPv6 address, returns its /64 network.

    If BEHIND_PROXY is set and the header X-Forwarded-For has an address, reads the last address in this header.
    Otherwise, reads the address of the connection. If the address is not an IP address, returns it unchanged.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    if conf.issuer().behind_proxy:
        # The proxy appends the address that it sees. The sender can write the addresses before that.
        text = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or text
    return _counted_as(text)


@lru_cache(maxsize=1024)
def _counted_as(text: str) -> str:
    """Return the address in `text` without its port. For an IPv6 address, returns its /64 network.

    If `text` is not an IP address, returns `text` unchanged.
    """
    # Results are cached, because a request needs its address several times.
    if with_port := WITH_PORT.fullmatch(text):
        text = with_port["v6"] or with_port["v4"]
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
