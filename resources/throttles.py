"""Throttles by client, by subject, and by the address that sends refused tokens.

Rates are set in DRF's DEFAULT_THROTTLE_RATES ("client", "subject", "failed_tokens"). A rate that is not set limits
nothing. If the cache fails, these throttles accept the request, and the failure is logged (throttle_cache.py).
"""

from hashlib import sha256
from typing import Any

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from . import throttle_cache
from .client_address import client_address
from .conf import resource_server
from .principal import AccessToken


class TokenThrottle(SimpleRateThrottle):
    """A throttle that counts by a claim of the verified token. It ignores requests without a verified token."""

    cache = throttle_cache.cache  # type: ignore[assignment]  # it has the methods of a cache that throttles call
    claim = ""
    num_requests: int
    duration: int

    def get_rate(self) -> str | None:
        """Return the configured rate, or None if it is not set."""
        rate = api_settings.DEFAULT_THROTTLE_RATES.get(self.scope or "")
        return str(rate) if rate else None

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """Return the cache key for the token's issuer and its claim `self.claim`.

        Returns None if the request has no verified token.
        """
        del view
        token = request.auth
        if not isinstance(token, AccessToken):
            return None
        # A `sub` or `client_id` is unique within its issuer only.
        return self.key_for(token.claims["iss"], token.claims[self.claim])

    def key_for(self, *parts: str) -> str:
        """Return the cache key of the counter that `parts` identify. The key contains only a hash of the parts."""
        # A hash, because memcached refuses some characters, and keys of more than 250 bytes.
        return f"throttle_{self.scope}_{sha256(chr(0).join(parts).encode()).hexdigest()}"


class ClientThrottle(TokenThrottle):
    """A throttle that limits the requests of each client, over all its users."""

    scope = "client"
    claim = "client_id"


class SubjectThrottle(TokenThrottle):
    """A throttle that limits the requests for each subject, over all clients."""

    scope = "subject"
    claim = "sub"


class FailedTokens(TokenThrottle):
    """A throttle that limits the refused tokens from each address.

    JWTAuthentication calls this throttle, because DRF runs throttles only after authentication.
    """

    scope = "failed_tokens"

    def blocked_for(self, request: Request) -> float | None:
        """Return the seconds for which tokens from this address are still refused, or None if they are accepted."""
        if self.rate is None:
            return None
        self._read(request)
        return None if len(self.history) < self.num_requests else self.wait() or self.duration

    def record(self, request: Request) -> None:
        """Count one refused token from the address of the request."""
        if self.rate is not None:
            self._read(request)
            self.throttle_success()

    def _read(self, request: Request) -> None:
        # SimpleRateThrottle reads these attributes. Its allow_request would count accepted tokens, too.
        self.key = self.key_for(client_address(request.META, behind_proxy=resource_server().behind_proxy))
        self.now = self.timer()
        history = self.cache.get(self.key, [])
        self.history = [instant for instant in history if instant > self.now - self.duration][: self.num_requests]
