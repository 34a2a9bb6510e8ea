"""How often the same client and address may ask: counters in the shared cache, by client and address together.

Together, so that nobody locks another's client out from somewhere else. Counting is by fixed windows; what is counted
is kept as a hash. Without the shared cache nothing is counted and everybody is let in, because what these limits slow
down is protected by its own length; the login page, where guessing could pay, lets nobody in then.
"""

import hashlib
import ipaddress
import logging
import re
from collections.abc import Sequence
from datetime import datetime

from django.core.cache import cache, caches
from django.http import HttpRequest
from django.utils.connection import ConnectionProxy

from tokens import conf
from tokens.conf import Rate

logger = logging.getLogger(__name__)

IPV6_PREFIX = 64
"""Bits of an IPv6 address that are one household's: it has every address behind them."""
WITH_PORT = re.compile(r"\[(?P<v6>[^]]+)\](?::\d+)?|(?P<v4>[\d.]+):\d+")
"""How a proxy writes an address with its port, which is another one for each connection."""
GUESSING = frozenset({"login", "logins", "device-code"})
"""Where guessing pays: counted where no invented client pushes a counter out."""

guesses = ConnectionProxy(caches, "guesses")


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
    counters = guesses if what in GUESSING else cache
    try:
        counters.add(key, 0, 2 * rate.seconds)
        counted = counters.incr(key)
    except ValueError:  # it ended between the two: a window that long ago counts nobody
        return
    except Exception as error:  # the cache's own kinds, whichever it is
        logger.error("Requests are not counted: the cache does not answer (%s)", type(error).__name__)  # noqa: TRY400
        raise NotCounted from error
    if counted > rate.number:
        raise TooMany(rate.seconds - passed, first=counted == rate.number + 1)


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
