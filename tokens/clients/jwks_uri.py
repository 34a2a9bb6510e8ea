"""Fetches and caches the keys that clients publish (`jwks_uri`, RFC 7591 section 2).

- Each address has one copy of its keys and at most one fetch at a time (single-flight), with a pause of 30 s. An
  attacker who sends assertions with an unknown `kid` causes two fetches a minute at most, and no delay for assertions
  whose key is in the copy.
- A key that the client removed is refused after 5 minutes at the latest, if its address answers in time.
- If the address does not answer, its copy is used for an hour. After that the client cannot authenticate.
- A process keeps the copies of the ADDRESSES addresses that were used last.
"""

import logging
import os
import threading
import time
from collections import OrderedDict
from functools import partial

from tokens import conf, outbound
from tokens.clients.key_copy import KeyCopy, Undetermined
from tokens.errors import Unavailable
from tokens.jose import public_keys
from tokens.jose.public_keys import ClientKey

logger = logging.getLogger(__name__)
ADDRESSES = 256
LATER = 1  # seconds for Retry-After: the fetch continues in its thread after the request is refused

_copies: "OrderedDict[str, KeyCopy]" = OrderedDict()
"""By address. Lives as long as the process; guarded by `_copies_lock`."""
_copies_lock = threading.Lock()


def keys(url: str, *, kid: object) -> tuple[ClientKey, ...]:
    """Return the keys at `url`, and fetch them again if none has this `kid`. Returns none if they cannot be fetched.

    `kid` is of the JWT's header; None if it has none. Raises Unavailable if the fetch takes too long, or too many
    requests wait for it.
    """
    try:
        return _copy(url).find(kid)
    except Undetermined as error:
        raise Unavailable("The client's keys are being fetched; see Retry-After.", retry_after=LATER) from error


def forget() -> None:
    """Delete all cached keys."""
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
    document = outbound.get_json(url, allow_private=conf.issuer().is_development)
    keys = public_keys.published(document)
    if unused := len(document["keys"]) - len(keys):
        logger.warning(
            "%d keys at %s are ignored: they are unusable, or too many have the same kid. The client has to correct"
            " its JWKS",
            unused,
            url,
        )
    return keys


def _reset_after_fork() -> None:
    """Replace the lock and delete the copies in a forked process."""
    # The parent's threads do not exist here. A lock that one of them held is never released, nor a fetch completed.
    global _copies_lock  # noqa: PLW0603 (the lock itself has to be replaced)
    _copies_lock = threading.Lock()
    _copies.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
