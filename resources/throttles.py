"""Throttles per client, per subject, and per address that sends tokens which do not verify.

Rates are DRF's (`DEFAULT_THROTTLE_RATES`: "client", "subject", "failed_tokens"); a rate that is not set limits nothing.
If the cache fails, these throttles let the request through and log it (throttle_cache.py).
"""

from hashlib import sha256
from typing import Any

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from resources import throttle_cache
from resources.client_address import client_address
from resources.conf import resource_server
from resources.principal import AccessToken


class TokenThrottle(SimpleRateThrottle):
    """A throttle keyed by claims of the verified token; requests without one are others' business."""

    cache = throttle_cache.cache  # type: ignore[assignment]  # it has what throttles use of a cache
    claim = ""
    num_requests: int
    duration: int

    def get_rate(self) -> str | None:
        """The configured rate, or None."""
        rate = api_settings.DEFAULT_THROTTLE_RATES.get(self.scope or "")
        return str(rate) if rate else None

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """A name without the claim's text in it: whatever characters it has, any cache can hold it."""
        del view
        token = request.auth
        if not isinstance(token, AccessToken):
            return None
        return self.key_for(token.claims["iss"], token.claims[self.claim])

    def key_for(self, *parts: str) -> str:
        """The cache key of these parts."""
        return f"throttle_{self.scope}_{sha256(chr(0).join(parts).encode()).hexdigest()}"


class ClientThrottle(TokenThrottle):
    """Requests of one client, whoever its users are."""

    scope = "client"
    claim = "client_id"


class SubjectThrottle(TokenThrottle):
    """Requests in one user's name, through whichever clients."""

    scope = "subject"
    claim = "sub"


class FailedTokens(TokenThrottle):
    """Refused tokens of one address. DRF throttles after authentication, so JWTAuthentication asks this itself."""

    scope = "failed_tokens"

    def blocked_for(self, request: Request) -> float | None:
        """Seconds that this address must wait, or None when it may try."""
        if self.rate is None:
            return None
        self._read(request)
        return None if len(self.history) < self.num_requests else self.wait() or self.duration

    def record(self, request: Request) -> None:
        """Remember one refused token."""
        if self.rate is not None:
            self._read(request)
            self.throttle_success()

    def _read(self, request: Request) -> None:
        self.key = self.key_for(client_address(request.META, behind_proxy=resource_server().behind_proxy))
        self.now = self.timer()
        history = self.cache.get(self.key, [])
        self.history = [instant for instant in history if instant > self.now - self.duration][: self.num_requests]
