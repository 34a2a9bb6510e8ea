"""The cache in which throttles count. If the cache fails, the throttles accept requests, and the failure is logged.

- After a failure, no request uses the cache for PAUSE seconds. Then one request tries it. If the cache hangs, only that
  request waits, for the cache's own timeout (0.2 s if configured as documented).
- A failure is logged once per pause, as an error, without the cache key and without the cache's address.
- Accepting requests is safe because tokens are too long to guess. A throttle against the guessing of a short secret
  must use a Django cache directly. The exception handler answers 503 if that cache fails.
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
    """The methods of a Django cache that DRF's throttles call."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of the cache entry `key`, or `default` if there is none."""

    def set(self, key: Any, value: Any, timeout: float | None = None) -> Any:
        """Store `value` as the cache entry `key` for `timeout` seconds."""


class FailOpenCache:
    """A cache for throttles that stays usable during an outage.

    While the Django cache behind it fails, `get` returns the default and `set` does nothing. `clock` returns monotonic
    seconds.
    """

    def __init__(self, cache: Cache, *, clock: Callable[[], float]) -> None:
        self._cache, self._clock = cache, clock
        self._failed = False
        self._retry_at = 0.0
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Replace the lock after a fork."""
        # A thread that holds the old lock exists only in the parent process.
        self._lock = threading.Lock()

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of the cache entry `key`, or `default` if there is none or the cache fails."""
        return self._attempt(lambda: self._cache.get(key, default), default)

    def set(self, key: str, value: Any, timeout: float | None = None) -> None:
        """Store `value` as the cache entry `key` for `timeout` seconds, unless the cache fails."""
        self._attempt(lambda: self._cache.set(key, value, timeout), None)

    def _attempt(self, call: Callable[[], Any], otherwise: Any) -> Any:
        """Return the result of `call`, or `otherwise` if the cache fails or is not used after a failure.

        Errors of the cache are caught.
        """
        trying_again = self._failed
        if trying_again and not self._claim_attempt():
            return otherwise
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 (each cache backend raises errors of its own)
            self._fail(error, trying_again=trying_again)
            return otherwise
        self._failed = False
        return result

    def _claim_attempt(self) -> bool:
        """Return True if this request may try the cache again after a failure. Returns False during a pause.

        A pause of PAUSE seconds begins at each failure, and each time that this method returns True.
        """
        with self._lock:
            now = self._clock()
            if now < self._retry_at:
                return False
            self._retry_at = now + PAUSE  # before the attempt, so that a cache that hangs delays one request only
            return True

    def _fail(self, error: Exception, *, trying_again: bool) -> None:
        with self._lock:
            is_first, self._failed = not self._failed, True
            self._retry_at = self._clock() + PAUSE
        if is_first or trying_again:  # of several simultaneous failures, one is logged
            # The error's text can contain the cache's address and password.
            kind = type(error).__name__
            logger.error("The cache failed (%s): throttles count nothing and accept requests for %.0f s", kind, PAUSE)


cache = FailOpenCache(default_cache, clock=time.monotonic)
"""The cache of this process's throttles, for the lifetime of the process."""
os.register_at_fork(after_in_child=cache.reset_after_fork)
