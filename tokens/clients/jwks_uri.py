"""Fetches and caches the keys that clients publish (`jwks_uri`, RFC 7591 section 2).

- Each address has one copy of its keys and at most one fetch at a time (single-flight), with at least 30 s between
  the starts of two fetches. An attacker who sends assertions with an unknown `kid` causes two fetches a minute at most,
  and no delay for assertions whose key is in the copy.
- A key that the client removed from its JWKS is refused after 5 minutes at the latest, if the address answers in time.
- If the address does not answer, the copy is used until it is an hour old. After that the client cannot authenticate.
- A process keeps the copies of the ADDRESSES addresses that were used last.
- The copies of self-registered clients are in a separate table, with separate limits for fetches and waiting requests.
  An attacker who registers many slow addresses cannot delay other clients, or displace their keys from the cache.
"""

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

from tokens import conf, outbound
from tokens.clients import key_copy
from tokens.clients.key_copy import KeyCopy, Undetermined
from tokens.errors import Unavailable
from tokens.jose import public_keys
from tokens.jose.public_keys import ClientKey

logger = logging.getLogger(__name__)
ADDRESSES = 256
LATER = 1  # seconds for Retry-After: the fetch continues in its thread after the request is refused

SELF_REGISTERED_WAIT = 2
"""The number of requests of self-registered clients that can wait for keys at once, out of eight threads of a process.

Four more can wait for metadata documents (`open_clients.flights`).
"""
SELF_REGISTERED_FETCH = 8
"""The number of fetches of self-registered clients' keys that can run at once."""


class _Copies:
    """The cached keys of one kind of clients (registered by operators, or self-registered), by address.

    Lives as long as the process. `lock` guards the table.
    """

    def __init__(self, **options: Any) -> None:
        self.lock, self._table, self._options = threading.Lock(), OrderedDict[str, KeyCopy](), options

    def get(self, url: str) -> KeyCopy:
        with self.lock:
            copy = self._table.get(url)
            if copy is None:
                copy = self._table[url] = KeyCopy(partial(_fetch, url), clock=time.monotonic, **self._options)
            self._table.move_to_end(url)
            if len(self._table) > ADDRESSES:
                self._table.popitem(last=False)
            return copy

    def forget(self) -> None:
        with self.lock:
            self._table.clear()


def _bounded(number: int) -> Callable[[Callable[[], None]], None]:
    """Return a function that runs other functions, each in a new thread, but at most `number` of them at the same time.

    The returned function raises RuntimeError if `number` threads run already.
    """
    room = threading.BoundedSemaphore(number)

    def spawn(work: Callable[[], None]) -> None:
        if not room.acquire(blocking=False):
            raise RuntimeError("too many fetches at once")
        try:
            key_copy.in_a_thread(partial(_then_release, work, room))
        except RuntimeError:
            room.release()
            raise

    return spawn


def _then_release(work: Callable[[], None], room: threading.BoundedSemaphore) -> None:
    try:
        work()
    finally:
        room.release()


def _new_tables() -> tuple[_Copies, _Copies]:
    """Return the table of the clients that operators registered, and the table of self-registered clients."""
    room = threading.BoundedSemaphore(SELF_REGISTERED_WAIT)
    return _Copies(), _Copies(room=room, spawn=_bounded(SELF_REGISTERED_FETCH))


_registered, _self_registered = _new_tables()


def keys(url: str, *, kid: object, is_self_registered: bool = False) -> tuple[ClientKey, ...]:
    """Return the keys at `url`. Fetch them first if there is no copy, the copy is stale, or no key has this `kid`.

    `kid` is from the header of the JWT, or None. Returns an empty tuple if the keys cannot be fetched and there is no
    copy. Raises Unavailable if the fetch takes too long, or if too many requests wait for fetches.
    """
    try:
        return (_self_registered if is_self_registered else _registered).get(url).find(kid)
    except Undetermined as error:
        raise Unavailable("The client's keys are being fetched; see Retry-After.", retry_after=LATER) from error


def forget() -> None:
    """Delete every cached copy of clients' keys in this process."""
    _registered.forget()
    _self_registered.forget()


def _fetch(url: str) -> tuple[ClientKey, ...]:
    """Fetch the JWKS at `url` and return its usable keys. Logs how many keys are ignored.

    Raises FetchError if the fetch fails, and UnusableKey if the document is not a JWKS or has too many keys.
    """
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
    """Replace both tables of cached keys, and their locks. Runs in a new process after a fork."""
    # The parent's threads do not exist here, so a lock that a thread held is never released, nor its fetch completed.
    global _registered, _self_registered
    _registered, _self_registered = _new_tables()


os.register_at_fork(after_in_child=_reset_after_fork)
