"""Token introspection by an API.

A result is cached for some seconds. The numbers of cached results and of simultaneous introspection requests are
limited. If such a request fails, the API answers 503.
"""

import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import RequestFactory, override_settings
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.errors import Unavailable
from resources.issuers.introspection import Introspector, introspector, is_active
from resources.outbound.fetch import FetchError
from resources.permissions import HasScopes, RequireActive
from resources.principal import AccessToken
from resources.testing import bearer, jwks, mint
from tests.resources.loopback import Answer, Loopback, document, raw, status

AUDIENCE = "http://localhost:8001/"
CLAIMS = {"iss": "i", "sub": "alice", "client_id": "webapp", "jti": "one"}


class Guarded(APIView):
    permission_classes = [HasScopes("notes:read") & RequireActive()]

    def get(self, request: Any) -> Response:
        return Response("let in")


def ask(issuer: Loopback, **claims: Any) -> Any:
    token = mint(iss=issuer.url, aud=AUDIENCE, **claims)
    return Guarded.as_view()(RequestFactory().get("/", headers=bearer(token)))


@pytest.fixture
def active(issuer: Loopback) -> Iterator[Loopback]:
    """Yield an issuer whose introspection endpoint says that every token is active."""
    issuer.publish(jwks())
    issuer.answers["/.well-known/oauth-authorization-server"] = document(
        {
            "issuer": issuer.url,
            "jwks_uri": issuer.url + "/jwks.json",
            "introspection_endpoint": issuer.url + "/introspect",
        }
    )
    issuer.answers["/introspect"] = document({"active": True})
    conf = {
        "ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE],
        "INTROSPECTION_CLIENT_ID": "a p:i", "INTROSPECTION_CLIENT_SECRET": "s%t",
    }  # fmt: skip
    with override_settings(RESOURCE_SERVER=conf):
        yield issuer


def test_an_active_token_is_accepted_and_the_answer_is_cached_for_seconds(active: Loopback) -> None:
    token = mint(iss=active.url, aud=AUDIENCE)
    for _ in range(5):
        assert Guarded.as_view()(RequestFactory().get("/", headers=bearer(token))).status_code == 200
    assert active.fetches("/introspect") == 1
    assert ask(active).status_code == 200
    assert active.fetches("/introspect") == 2


def test_an_answer_is_cached_for_the_seconds_of_the_setting(
    active: Loopback, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RESOURCE_SERVER = settings.RESOURCE_SERVER | {"INTROSPECTION_FOR": 2}
    seconds: list[float] = []
    monkeypatch.setattr(introspector(active.url), "_clock", lambda: seconds[-1])
    request = RequestFactory().get("/", headers=bearer(mint(iss=active.url, aud=AUDIENCE)))
    fetches = []
    for second in (1000.0, 1001.9, 1002.0):
        seconds.append(second)
        assert Guarded.as_view()(request).status_code == 200
        fetches.append(active.fetches("/introspect"))
    assert fetches == [1, 1, 2]


def test_the_api_authenticates_and_sends_the_token_in_the_body(active: Loopback) -> None:
    bodies: list[bytes] = []

    def answer(handler: Any) -> None:
        bodies.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        document({"active": True})(handler)

    active.answers["/introspect"] = answer
    assert ask(active).status_code == 200
    (request,) = (seen for seen in active.seen if seen[1] == "/introspect")
    assert request[0] == "POST"
    assert request[2]["authorization"] == "Basic " + b64encode(b"a+p%3Ai:s%25t").decode()
    assert parse_qs(bodies[0].decode()).keys() == {"token", "token_type_hint"}


def test_an_inactive_token_is_invalid(active: Loopback) -> None:
    active.answers["/introspect"] = document({"active": False})
    answer = ask(active)
    assert (answer.status_code, answer.data) == (
        401,
        {"error": "invalid_token", "detail": "The token has been revoked"},
    )
    assert 'error="invalid_token", error_description="The token has been revoked"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize(
    "fault", [status(500), status(401), raw(b"<html>"), document([]), raw(b'{"active":true,"active":true}')]
)
def test_without_an_answer_the_request_is_503(active: Loopback, fault: Answer) -> None:
    active.answers["/introspect"] = fault
    answer = ask(active)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert active.fetches("/introspect") == 1


def test_without_an_introspection_endpoint_the_request_is_503(active: Loopback) -> None:
    active.publish(jwks())
    assert ask(active).status_code == 503


def test_a_missing_scope_is_403_without_an_introspection_request(active: Loopback) -> None:
    assert ask(active, scope="other").status_code == 403
    assert active.fetches("/introspect") == 0


@pytest.mark.parametrize(
    "answer",
    [{}, {"active": "true"}, {"active": 1}, {"active": None}, {"active": True, "sub": "bob"},
     {"active": True, "iss": "other"}, {"active": True, "jti": "two"}, {"active": True, "client_id": "other"}],
)  # fmt: skip
def test_only_active_true_for_the_same_token_means_active(answer: dict[str, Any]) -> None:
    assert not is_active(answer, CLAIMS)
    assert is_active({"active": True, "sub": "alice", "scope": "whatever"}, CLAIMS)


class World:
    """An API's introspector with a settable clock, and an issuer whose answers the test defines."""

    def __init__(self) -> None:
        self.now = 100.0
        self.answer: Mapping[str, Any] | Exception = {"active": True}
        self.queries = 0
        self.introspector = Introspector(self.ask, clock=lambda: self.now, cached_for=5)

    def ask(self, token: str) -> Mapping[str, Any]:
        self.queries += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def active(self, token: str = "a") -> bool:
        return self.introspector.active(AccessToken(CLAIMS, "k", frozenset(), token))


def test_a_revoked_token_is_refused_when_the_cached_answer_expires() -> None:
    world = World()
    assert world.active()
    world.answer = {"active": False}
    world.now += 4.9
    assert world.active()
    world.now += 0.1
    assert not world.active()


def test_after_a_failure_no_request_is_sent_for_a_second_and_cached_answers_are_used() -> None:
    world = World()
    assert world.active("a")
    world.answer = FetchError("refused")
    for _ in range(10):
        with pytest.raises(Unavailable):
            world.active("b")
    assert (world.queries, world.active("a")) == (2, True)
    world.now += 1
    world.answer = {"active": True}
    assert world.active("b")


def test_the_number_of_cached_answers_is_bounded() -> None:
    world = World()
    for number in range(3000):
        world.active(str(number))
    assert len(world.introspector._answers) == 1024
    world.active("2999")
    assert world.queries == 3000, "the newest answers are kept"
    world.active("0")
    assert world.queries == 3001


def test_eight_requests_run_at_once_and_a_ninth_is_unavailable() -> None:
    world = World()
    release, inside = threading.Event(), threading.Semaphore(0)

    def slow(_: str) -> Mapping[str, Any]:
        inside.release()
        assert release.wait(30)
        return {"active": True}

    world.introspector = Introspector(slow, clock=lambda: world.now, cached_for=5)
    threads = [threading.Thread(target=world.active, args=[str(number)]) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=60)
    with pytest.raises(Unavailable):
        world.active("ninth")
    release.set()
    for thread in threads:
        thread.join()
    assert world.active("ninth")
