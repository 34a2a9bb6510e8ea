"""The cache in which throttles count. If it fails, they let the request through and log it.

- A failure is logged once per pause, as an error, without the key and without the cache's address.
- After a failure the cache is not asked for PAUSE seconds; then one request tries it. A cache that hangs costs that
  request the cache's own timeout (0.2 s if configured as documented) and the others nothing.
- Without throttles, tokens are still too long to guess. A throttle that guards something short enough to guess should
  not use this cache; the exception handler then answers 503 if its own cache fails.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from django.core.cache import cache as default_cache

logger = logging.getLogger(__name__)

PAUSE = 5.0  # seconds


class Cache(Protocol):
    """What DRF's throttles use of a Django cache."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value under `key`."""

    def set(self, key: Any, value: Any, timeout: float | None = None) -> Any:
        """Store `value` for `timeout` seconds."""


class ForgivingCache:
    """A cache that is empty while the one behind it fails. `clock` returns monotonic seconds."""

    def __init__(self, cache: Cache, *, clock: Callable[[], float]) -> None:
        self._cache, self._clock = cache, clock
        self._failed = False
        self._retry_at = 0.0
        self.renew()

    def renew(self) -> None:
        """Replace the lock (after a fork)."""
        self._lock = threading.Lock()

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value under `key`, or `default` if there is none or the cache fails."""
        return self._attempt(lambda: self._cache.get(key, default), default)

    def set(self, key: str, value: Any, timeout: float | None = None) -> None:
        """Store `value` for `timeout` seconds, unless the cache fails."""
        self._attempt(lambda: self._cache.set(key, value, timeout), None)

    def _attempt(self, call: Callable[[], Any], otherwise: Any) -> Any:
        trying_again = self._failed
        if trying_again and not self._pause_is_over():
            return otherwise
        try:
            found = call()
        except Exception as error:  # noqa: BLE001 (each cache backend raises errors of its own)
            self._fail(error, trying_again=trying_again)
            return otherwise
        self._failed = False
        return found

    def _pause_is_over(self) -> bool:
        """Return True to one request after each pause."""
        with self._lock:
            now = self._clock()
            if now < self._retry_at:
                return False
            self._retry_at = now + PAUSE
            return True

    def _fail(self, error: Exception, *, trying_again: bool) -> None:
        with self._lock:
            first, self._failed = not self._failed, True
            self._retry_at = self._clock() + PAUSE
        if first or trying_again:  # of several simultaneous failures, one is logged
            logger.error("throttles count nothing for %.0f s: the cache failed (%s)", PAUSE, type(error).__name__)


cache = ForgivingCache(default_cache, clock=time.monotonic)
"""The one of this process."""
os.register_at_fork(after_in_child=cache.renew)
