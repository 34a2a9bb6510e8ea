"""Asking the issuer whether a token is still active (RFC 7662): for the few endpoints where minutes matter.

Bounded in time, in concurrency and in memory, believed for seconds, and closed: no answer is no.
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

from resources import fetch, strict_json
from resources.conf import resource_server
from resources.errors import Unavailable
from resources.fetch import FetchError
from resources.issuers import clock, trusts
from resources.principal import AccessToken

logger = logging.getLogger(__name__)

REMEMBERED = 1024
AT_ONCE = 8
PAUSE = 1.0  # seconds without a new attempt after one that failed

Ask = Callable[[str], Mapping[str, Any]]


class Introspector:
    """One issuer's answers. `ask` does the request for a token, and raises FetchError."""

    def __init__(self, ask: Ask, *, clock: Callable[[], float], believed_for: float) -> None:
        self._ask, self._clock, self._believed_for = ask, clock, believed_for
        self._answers: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._paused_until = 0.0
        self.renew()

    def renew(self) -> None:
        """Forget who was asking (after a fork)."""
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def active(self, token: AccessToken) -> bool:
        """Whether the issuer says, or said within the last seconds, that `token` is active. Raises Unavailable."""
        name = sha256(token.raw.encode()).digest()
        until, answer = self._answers.get(name, (0.0, False))
        if self._clock() < until:
            return answer
        if self._clock() < self._paused_until or not (room := self._room).acquire(blocking=False):
            raise Unavailable(1)
        try:
            answer = is_active(self._ask(token.raw), token.claims)
        except FetchError as error:
            self._paused_until = self._clock() + PAUSE
            raise Unavailable(1) from error
        finally:
            room.release()
        self._answers[name] = (self._clock() + self._believed_for, answer)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return answer


def is_active(answer: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Whether an introspection response says that the token of these claims is active (RFC 7662 section 2.2)."""
    same = all(answer[name] == claims[name] for name in ("iss", "sub", "client_id", "jti") if name in answer)
    return answer.get("active") is True and same


@cache
def introspector(issuer: str) -> Introspector:
    """This process's introspector of a trusted issuer."""
    conf = resource_server()
    made = Introspector(lambda token: _ask(issuer, token), clock=clock, believed_for=conf.introspection_for)
    os.register_at_fork(after_in_child=made.renew)
    return made


def _ask(issuer: str, token: str) -> Mapping[str, Any]:
    conf = resource_server()
    if not conf.introspection_client_id:
        logger.error("RequireActive() needs RESOURCE_SERVER['INTROSPECTION_CLIENT_ID']: a client linked to this API")
        raise FetchError("nobody to ask the issuer as")
    until = clock() + conf.timing.patience
    endpoint = trusts()[issuer].discovery.address("introspection_endpoint", until=until)
    who = f"{quote_plus(conf.introspection_client_id)}:{quote_plus(conf.introspection_client_secret)}"
    response = fetch.send(
        "POST",
        endpoint,
        headers={
            "Authorization": "Basic " + b64encode(who.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
        body=urlencode({"token": token, "token_type_hint": "access_token"}).encode(),
        until=until,
        clock=clock,
        allow_http=conf.allow_http,
    )
    try:
        answer = strict_json.parse(response.body)
    except ValueError as error:
        raise FetchError("the introspection response is not JSON") from error
    if not isinstance(answer, dict):
        raise FetchError("the introspection response is not an object")
    return answer


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "RESOURCE_SERVER":
        introspector.cache_clear()


setting_changed.connect(_reload)
