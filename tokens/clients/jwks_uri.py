"""The keys that clients publish themselves (`jwks_uri`, RFC 7591 section 2): fetched when needed, kept for a while.

One fetch at a time for an address, none within half a minute of the last one: whoever sends garbage in a client's name
makes the issuer ask that client twice a minute at the most, and makes nobody wait whose key is known. A key that the
client took away is refused five minutes later at the latest, while its address answers in time. While it does not, what
was fetched stays good for an hour; after that the client cannot prove itself.
"""

import logging
import os
import threading
import time
from collections import OrderedDict
from functools import partial

from django.conf import settings

from tokens import outbound
from tokens.clients.key_copy import KeyCopy, Undetermined
from tokens.errors import Unavailable
from tokens.jose import public_keys
from tokens.jose.public_keys import ClientKey

logger = logging.getLogger(__name__)
ADDRESSES = 256
LATER = 1  # seconds after which to ask again: the fetch goes on without whoever waited for it

_copies: "OrderedDict[str, KeyCopy]" = OrderedDict()
_copies_lock = threading.Lock()


def keys(url: str, *, kid: object) -> tuple[ClientKey, ...]:
    """The keys at `url`, fetched anew where `kid` is not among them; none where they cannot be had.

    Raises Unavailable where the fetch takes longer than anybody waits, or too many wait for it.
    """
    try:
        return _copy(url).find(kid)
    except Undetermined as error:
        raise Unavailable("The client's keys are being fetched; see Retry-After.", retry_after=LATER) from error


def forget() -> None:
    """Drop every copy."""
    with _copies_lock:
        _copies.clear()


def _copy(url: str) -> KeyCopy:
    with _copies_lock:
        copy = _copies.get(url) or _copies.setdefault(url, KeyCopy(partial(_fetch, url), clock=time.monotonic))
        _copies.move_to_end(url)
        if len(_copies) > ADDRESSES:
            _copies.popitem(last=False)
        return copy


def _fetch(url: str) -> tuple[ClientKey, ...]:
    """Fetch the usable keys at `url` and log how many were skipped. Raises FetchError and UnusableKey."""
    document = outbound.get_json(url, allow_private=settings.DEBUG)
    keys = public_keys.published(document)
    if unused := len(document["keys"]) - len(keys):
        logger.warning("%d keys at %s are not used: they are unusable, or too many have one kid", unused, url)
    return keys


def _begin_anew() -> None:
    """After a fork: another process's threads are not here, and what they held or fetched would never be let go."""
    global _copies_lock  # noqa: PLW0603 (the old one may be held for ever)
    _copies_lock = threading.Lock()
    _copies.clear()


os.register_at_fork(after_in_child=_begin_anew)
