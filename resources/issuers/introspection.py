"""Token introspection (RFC 7662), for the few endpoints that cannot wait for the next poll of the revocation feed.

- An answer is cached for INTROSPECTION_FOR seconds. The answers for the last REMEMBERED tokens are cached.
- At most AT_ONCE requests to the issuer run at the same time. A further request fails at once. Each request ends within
  `patience` seconds.
- After a failure, no request starts for PAUSE seconds.
- Introspection fails closed: without an answer, `active` raises Unavailable, and the API refuses the request.
"""

import logging
import os
import threading
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.core.signals import setting_changed

from ..conf import resource_server
from ..errors import Unavailable
from ..jose import strict_json
from ..outbound import fetch
from ..outbound.fetch import Bounds, FetchError
from ..principal import AccessToken
from ..telemetry import trace_context
from .trusts import clock, trusts

logger = logging.getLogger(__name__)

REMEMBERED = 1024  # answers
AT_ONCE = 8  # requests
PAUSE = 1.0  # seconds

Query = Callable[[str], Mapping[str, Any]]


class Introspector:
    """The introspection of one issuer's tokens, with the answers cached for `cached_for` seconds.

    `query` sends a token to the issuer's introspection endpoint, and returns the response. It raises FetchError on
    failure.
    """

    def __init__(self, query: Query, *, clock: Callable[[], float], cached_for: float) -> None:
        self._query, self._clock, self._cached_for = query, clock, cached_for
        self._answers: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._paused_until = 0.0
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Replace the semaphore after a fork."""
        # The threads that hold the old one exist only in the parent process.
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    def active(self, token: AccessToken) -> bool:
        """Return True if the issuer's answer, which can be cached, says that the token is active.

        Raises Unavailable if no answer is cached, and the request fails or may not be sent. No request is sent during
        the pause after a failure, or while AT_ONCE requests run.
        """
        # The name in the cache is a hash, so that the cache contains no token.
        name = sha256(token.raw.encode()).digest()
        until, answer = self._answers.get(name, (0.0, False))
        if self._clock() < until:
            return answer
        if self._clock() < self._paused_until or not (slots := self._slots).acquire(blocking=False):
            raise Unavailable(1)
        try:
            answer = is_active(self._query(token.raw), token.claims)
        except FetchError as error:
            self._paused_until = self._clock() + PAUSE
            raise Unavailable(1) from error
        finally:
            slots.release()  # the semaphore that was acquired; a fork can have replaced `self._slots`
        self._answers[name] = (self._clock() + self._cached_for, answer)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return answer


def is_active(answer: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Return True if the introspection response `answer` says that a token is active (RFC 7662 section 2.2).

    `claims` are the verified claims of this token. Returns False if the response is about another token.
    """
    # A response about another token must not make this token active.
    same = all(answer[name] == claims[name] for name in ("iss", "sub", "client_id", "jti") if name in answer)
    return answer.get("active") is True and same


@cache
def introspector(issuer: str) -> Introspector:
    """Return this process's introspector of the trusted issuer with the URL `issuer`."""
    conf = resource_server()
    new_introspector = Introspector(lambda token: _query(issuer, token), clock=clock, cached_for=conf.introspection_for)
    os.register_at_fork(after_in_child=new_introspector.reset_after_fork)
    return new_introspector


def _query(issuer: str, token: str) -> Mapping[str, Any]:
    """Return the issuer's introspection response for `token`.

    Raises FetchError if INTROSPECTION_CLIENT_ID is not set, the request fails, or the answer is not a JSON object.
    """
    conf = resource_server()
    if not conf.introspection_client_id:
        logger.error("Set RESOURCE_SERVER['INTROSPECTION_CLIENT_ID'] for RequireActive(): a client linked to this API")
        raise FetchError("INTROSPECTION_CLIENT_ID is not set")
    until = clock() + conf.timing.patience
    endpoint = trusts()[issuer].discovery.address("introspection_endpoint", until=until)
    # RFC 6749 section 2.3.1: id and secret are form-encoded before they become Basic credentials.
    credentials = f"{quote_plus(conf.introspection_client_id)}:{quote_plus(conf.introspection_client_secret)}"
    response = fetch.send(
        "POST",
        endpoint,
        Bounds(until, clock, conf.dangerously_allow_http),
        headers={
            "Authorization": "Basic " + b64encode(credentials.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            **trace_context.forwarded(),
        },
        body=urlencode({"token": token, "token_type_hint": "access_token"}).encode(),
    )
    try:
        answer = strict_json.parse(response.body)
    except ValueError as error:
        raise FetchError("the introspection response is not JSON") from error
    if not isinstance(answer, dict):
        raise FetchError("the introspection response is not a JSON object")
    return answer


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "RESOURCE_SERVER":
        introspector.cache_clear()


setting_changed.connect(_reload)
