"""Read and check the DPoP proof of a Django request, and accept it once (RFC 9449 section 7).

Unlike `dpop.proof`, this module is not pure: it reads the request, and stores the accepted proofs of this process.
"""

import logging
import math
import os
from functools import cache
from typing import Any

from django.core.cache import caches
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponseBase

from .conf import resource_server
from .dpop.proof import BoundRequest, check
from .dpop.replay_memory import ReplayMemory
from .dpop.target import Target, target
from .errors import InvalidProof, NonceRequired, ProofReason, Unavailable
from .principal import AccessToken
from .settings.dpop_settings import DPoPSettings

logger = logging.getLogger(__name__)

ORIGINAL, ACCEPTED, NEXT_NONCE = "_dpop_original", "_dpop_accepted", "_dpop_next_nonce"
"""Attributes of Django's request: the request that the client sent to a proxy, the accepted proof, the next nonce."""
ELSEWHERE = Target("", "", 0, "")
"""A target that equals the target of no URI."""


def prove(request: HttpRequest, token: AccessToken, settings: DPoPSettings, seconds: float) -> None:
    """Check the DPoP proof of a request, and refuse a replay. `token` is verified and bound to a key.

    `seconds` is the current Unix time. Raises InvalidProof if a check of the proof fails or the proof is a replay,
    NonceRequired if the proof needs a newer nonce, InvalidToken if the token is bound to another key, and Unavailable
    if a replay cannot be excluded now.
    """
    method, uri = getattr(request, ORIGINAL, None) or (request.method or "", settings.target.below(request.path))
    bound = BoundRequest(request.META.get("HTTP_DPOP"), method, uri, token.raw, token.claims["cnf"]["jkt"])
    nonces = settings.rules.nonces
    try:
        proof = check(bound, settings.rules, seconds=seconds)
    except NonceRequired:
        setattr(request, NEXT_NONCE, nonces.current(seconds) if nonces else "")
        raise
    # Two layers of this package can authenticate the same request, such as RequireToken and TokenAuth for django-ninja.
    if getattr(request, ACCEPTED, None) != proof.digest:
        _accept_once(proof.digest, settings, seconds)
        setattr(request, ACCEPTED, proof.digest)
    if nonces and proof.nonce != (current := nonces.current(seconds)):
        setattr(request, NEXT_NONCE, current)


def name_original(request: HttpRequest, method: str | None, uri: str | None) -> None:
    """Store the method and the URI of the request that the client sent to a proxy.

    The DPoP proof must name this method and this URI. `uri` is the path with its query, as the client sent it. If
    `method` or `uri` is missing, no proof is accepted.
    """
    settings = resource_server().dpop
    if settings is not None:
        # Only the path is read from `uri`: a proxy can strip a prefix of it before it asks this API.
        uri_target = target(f"http://proxy{uri}") if method and uri and uri.startswith("/") else None
        original = settings.target._replace(path=uri_target.path) if uri_target else ELSEWHERE
        setattr(request, ORIGINAL, (method or "", original))


def add_nonce(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add the nonce for the client's next proof to the response, if `prove` has set one (RFC 9449 sections 8.2, 9)."""
    if nonce := getattr(request, NEXT_NONCE, ""):
        response.headers["DPoP-Nonce"] = nonce


def _accept_once(digest: bytes, settings: DPoPSettings, seconds: float) -> None:
    """Store the proof with this digest, or refuse its replay. `seconds` is the current Unix time.

    Raises InvalidProof if the proof was stored before, and Unavailable if it cannot be stored.
    """
    is_new = _add_to_cache(digest, settings) if settings.replay_cache else replay_memory().add(digest, seconds)
    if not is_new:
        raise InvalidProof(ProofReason.REPLAY, "jti")


def _add_to_cache(digest: bytes, settings: DPoPSettings) -> bool:
    """Store the digest of a proof in the shared cache. Returns False if the cache already has the digest.

    Raises Unavailable if the cache fails.
    """
    try:
        # `add` is atomic in Redis (SET NX) and in memcached.
        key, timeout = f"dpop_{digest.hex()}", math.ceil(settings.remembered_for)
        return bool(caches[settings.replay_cache].add(key, 1, timeout))
    except Exception as error:
        # The text of the error is not logged, because it can contain the cache's address and password.
        logger.error("Answered 503: the cache of DPoP proofs failed (%s)", type(error).__name__)  # noqa: TRY400
        raise Unavailable(1) from error


@cache
def replay_memory() -> ReplayMemory:
    """Return this process's memory of accepted proofs. It lives until the process ends or the settings change."""
    settings = resource_server().dpop
    memory = ReplayMemory(seconds=settings.remembered_for if settings else 0)
    os.register_at_fork(after_in_child=memory.reset_after_fork)
    return memory


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "RESOURCE_SERVER":
        replay_memory.cache_clear()


setting_changed.connect(_reload)
