"""The DPoP proof of a request of Django: read it, check it, and accept it once (RFC 9449 section 7).

This is an edge: it reads the request, and holds the accepted proofs of this process.
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
from .dpop_proof import BoundRequest, check
from .dpop_settings import DPoPSettings
from .dpop_target import Target, target
from .errors import InvalidProof, NonceRequired, ProofReason, Unavailable
from .principal import AccessToken
from .replay_memory import ReplayMemory

logger = logging.getLogger(__name__)

ORIGINAL, ACCEPTED, NEXT_NONCE = "_dpop_original", "_dpop_accepted", "_dpop_next_nonce"
"""Attributes of Django's request: what a proxy asks about, the proof that it presented, the nonce to answer with."""
ELSEWHERE = Target("", "", 0, "")
"""The target of no URI."""


def prove(request: HttpRequest, token: AccessToken, settings: DPoPSettings, seconds: float) -> None:
    """Check the proof for a verified, bound token at `seconds`, a Unix time.

    Raises InvalidProof, NonceRequired, InvalidToken if the token is bound to another key, and Unavailable if this API
    cannot know if the proof was used before.
    """
    method, uri = getattr(request, ORIGINAL, None) or (request.method or "", settings.target.below(request.path))
    bound = BoundRequest(request.META.get("HTTP_DPOP"), method, uri, token.raw, token.claims["cnf"]["jkt"])
    nonces = settings.rules.nonces
    try:
        proof = check(bound, settings.rules, seconds=seconds)
    except NonceRequired:
        setattr(request, NEXT_NONCE, nonces.current(seconds) if nonces else "")
        raise
    # Two layers of this package can authenticate the same request, such as RequireToken and django-ninja's TokenAuth.
    if getattr(request, ACCEPTED, None) != proof.digest:
        _accept_once(proof.digest, settings, seconds)
        setattr(request, ACCEPTED, proof.digest)
    if nonces and proof.nonce != (current := nonces.current(seconds)):
        setattr(request, NEXT_NONCE, current)


def name_original(request: HttpRequest, method: str | None, uri: str | None) -> None:
    """Let the proof of this request be one for another method and URI: those that a proxy asks about.

    `uri` is the path with its query, as the client sent it. If the proxy names none, no proof is accepted.
    """
    settings = resource_server().dpop
    if settings is not None:
        # The proxy knows the path before it strips a prefix, so that only the path is read from `uri`.
        found = target(f"http://proxy{uri}") if method and uri and uri.startswith("/") else None
        original = settings.target._replace(path=found.path) if found else ELSEWHERE
        setattr(request, ORIGINAL, (method or "", original))


def add_nonce(request: HttpRequest, response: HttpResponseBase) -> None:
    """Send the client its next nonce, if it needs one (RFC 9449 sections 8.2 and 9)."""
    if nonce := getattr(request, NEXT_NONCE, ""):
        response.headers["DPoP-Nonce"] = nonce


def _accept_once(digest: bytes, settings: DPoPSettings, seconds: float) -> None:
    """Check 10: store the proof. Raises InvalidProof if it was stored before, or Unavailable."""
    is_new = _add_to_cache(digest, settings) if settings.replay_cache else replay_memory().add(digest, seconds)
    if not is_new:
        raise InvalidProof(ProofReason.REPLAY, "jti")


def _add_to_cache(digest: bytes, settings: DPoPSettings) -> bool:
    """Store the proof in the shared cache. Returns False if it was there. Raises Unavailable if the cache fails."""
    try:
        # `add` is atomic in Redis (SET NX) and in memcached.
        key, timeout = f"dpop_{digest.hex()}", math.ceil(settings.remembered_for)
        return bool(caches[settings.replay_cache].add(key, 1, timeout))
    except Exception as error:
        # Each cache backend raises errors of its own, whose text can contain the cache's address and password.
        logger.error("Answered 503: the cache of DPoP proofs failed (%s)", type(error).__name__)  # noqa: TRY400
        raise Unavailable(1) from error


@cache
def replay_memory() -> ReplayMemory:
    """Return the accepted proofs of this process. It lives as long as the process, or until a test changes settings."""
    settings = resource_server().dpop
    made = ReplayMemory(seconds=settings.remembered_for if settings else 0)
    os.register_at_fork(after_in_child=made.reset_after_fork)
    return made


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "RESOURCE_SERVER":
        replay_memory.cache_clear()


setting_changed.connect(_reload)
