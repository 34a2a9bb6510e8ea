"""The keys that clients publish themselves (`jwks_uri`, RFC 7591 section 2): fetched when needed, kept for a while.

One fetch at a time for an address, none within PAUSE of the last one: whoever sends garbage in a client's name makes
the issuer ask that client twice a minute at the most. While an address does not answer, what was fetched stays good
for KEPT; after that the client cannot prove itself.
"""

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from django.conf import settings

from tokens import fetch
from tokens.fetch import FetchError
from tokens.oauth import client_keys
from tokens.oauth.client_keys import ClientKey, UnusableKey

logger = logging.getLogger(__name__)

FRESH = 300.0  # seconds; a key that the client took away is refused after that
KEPT = 3600.0  # seconds that a copy is used while the address does not answer
PAUSE = 30.0  # seconds between two fetches
ADDRESSES = 256


@dataclass(slots=True)
class Copy:
    """What is known of one address; instants are of the monotonic clock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: tuple[ClientKey, ...] = ()
    fetched_at: float | None = None
    asked_at: float | None = None


_copies: "OrderedDict[str, Copy]" = OrderedDict()
_copies_lock = threading.Lock()


def keys(url: str, *, kid: object) -> tuple[ClientKey, ...]:
    """The keys at `url`, fetched anew where the copy is old or `kid` is not in it; none where they cannot be had."""
    copy = _copy(url)
    with copy.lock:
        now = time.monotonic()
        if _is_due(copy, kid, now=now):
            _fetch(copy, url, now=now)
        usable = copy.fetched_at is not None and now - copy.fetched_at <= KEPT
        return copy.keys if usable else ()


def forget() -> None:
    """Drop every copy."""
    with _copies_lock:
        _copies.clear()


def _copy(url: str) -> Copy:
    with _copies_lock:
        copy = _copies.setdefault(url, Copy())
        _copies.move_to_end(url)
        if len(_copies) > ADDRESSES:
            _copies.popitem(last=False)
        return copy


def _is_due(copy: Copy, kid: object, *, now: float) -> bool:
    if copy.asked_at is not None and now - copy.asked_at < PAUSE:
        return False
    fresh = copy.fetched_at is not None and now - copy.fetched_at < FRESH
    return not fresh or (kid is not None and all(key.kid != kid for key in copy.keys))


def _fetch(copy: Copy, url: str, *, now: float) -> None:
    copy.asked_at = now
    try:
        copy.keys = client_keys.published(fetch.get_json(url, allow_private=settings.DEBUG))
    except (FetchError, UnusableKey) as error:
        logger.warning("The keys of a client cannot be had: %s", error)
        return
    copy.fetched_at = now
