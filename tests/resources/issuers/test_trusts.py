"""The settings for trusted issuers and their revocation feeds. Real requests to servers on loopback test them."""

import gc
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory, override_settings
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.issuers.trusts import trusts
from resources.status import status
from resources.telemetry.counters import counters
from resources.testing import SigningKey, bad_tokens, bearer, jwks, mint, pinned, shared_key
from tests.resources import feeds
from tests.resources.loopback import Loopback, document, raw

AUDIENCE = "http://localhost:8001/"
GOOD = shared_key()
NEVER = 4_000_000_000
FAILS = 2  # polls that may fail because a process that starts has no keys yet


def whoami(client: Client, token: str) -> Any:
    return client.get("/api/whoami/", headers=bearer(token))


def deny_mallory(kid: str, claims: Mapping[str, Any]) -> bool:
    return bool(claims["sub"] == "mallory")


def deny_badly(kid: str, claims: Mapping[str, Any]) -> bool:
    raise RuntimeError("the database is down")


def test_settings_without_an_issuer_or_audience_are_refused() -> None:
    for conf in ({}, {"ISSUERS": ["https://i.example"]}, {"AUDIENCE": ["https://a.example"]}):
        with override_settings(RESOURCE_SERVER=conf), pytest.raises(ImproperlyConfigured):
            trusts()
    symmetric = {"ISSUERS": ["https://i.example"], "AUDIENCE": ["https://a.example"], "ALGORITHMS": ["HS256"]}
    with override_settings(RESOURCE_SERVER=symmetric), pytest.raises(ImproperlyConfigured, match="HS256"):
        trusts()


def test_denied_kids_and_denied_tokens_are_refused(client: Client) -> None:
    for denied, claim in (({"DENIED_KIDS": [GOOD.kid]}, "kid"), ({"DENIED_TOKENS": ["one"]}, "jti")):
        with pinned(**denied):
            answer = whoami(client, mint(jti="one"))
            assert (answer.status_code, answer.json()["detail"]) == (401, "The token has been revoked"), claim
    with pinned(DENIED_KIDS=["other"], DENIED_TOKENS=["two"]):
        assert whoami(client, mint(jti="one")).status_code == 200


def test_the_deny_function_refuses_a_token_if_it_returns_true_or_fails(client: Client) -> None:
    with pinned(DENY=f"{__name__}.deny_mallory"):
        assert [whoami(client, mint(sub=name)).status_code for name in ("alice", "mallory")] == [200, 401]
    with pinned(DENY=f"{__name__}.deny_badly"):
        assert whoami(client, mint()).status_code == 401


def publish_feed(
    issuer: Loopback, *entries: bytes, key: SigningKey = GOOD, ring: str = "default", **changes: Any
) -> None:
    path = "/oauth/revocations" + ("" if ring == "default" else f"/{ring}")
    issuer.answers[path] = raw(
        feeds.document(*entries, signer=key, issuer=issuer.url, at=int(time.time()), ring=ring, **changes)
    )


def polled(url: str, *, good: bool = True) -> dict[str, Any]:
    """Wait for the first successful poll of the issuer's feed, and return the feed's status.

    If `good` is False, wait for a failed poll instead.
    """
    for _ in range(400):
        feed: dict[str, Any] = status()["issuers"][url]["revocations"]
        if feed["version"] if good else feed["failures"] > FAILS:
            return feed
        threading.Event().wait(0.05)
    raise AssertionError("nothing was polled")


def test_a_token_in_the_feed_is_refused_and_no_request_waits_for_the_poll(client: Client, issuer: Loopback) -> None:
    issuer.publish(jwks())
    publish_feed(issuer, feeds.entry("jti", "one", until=NEVER))
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE], "REVOCATIONS": True}):
        assert whoami(client, mint(iss=issuer.url, jti="two")).status_code == 200
        state = polled(issuer.url)
        answers = [whoami(client, mint(iss=issuer.url, jti=name)) for name in ("one", "two")]
    assert (state["late"], state["entries"], state["version"]) == (False, 1, feeds.version(7))
    assert [answer.status_code for answer in answers] == [401, 200]
    assert answers[0].json()["detail"] == "The token has been revoked"
    assert issuer.fetches("/oauth/revocations") == 1


def test_an_api_whose_settings_are_replaced_follows_the_old_feed_no_longer(client: Client, issuer: Loopback) -> None:
    issuer.publish(jwks())
    publish_feed(issuer)
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE], "REVOCATIONS": True}):
        assert whoami(client, mint(iss=issuer.url)).status_code == 200  # remembered, with the issuer that it names
        (poller,) = (thread for thread in threading.enumerate() if thread.name == "resources-revocations")
    gc.collect()
    poller.join(30)
    assert not poller.is_alive()


def test_without_its_feed_an_api_serves_or_refuses_by_the_setting(client: Client, issuer: Loopback) -> None:
    issuer.publish(jwks())
    conf = {"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE], "REVOCATIONS": True}
    with override_settings(RESOURCE_SERVER=conf):
        assert whoami(client, mint(iss=issuer.url)).status_code == 200
        assert polled(issuer.url, good=False)["late"] is True
        assert (client.get("/readyz").status_code, client.get("/readyz").json()["status"]) == (200, "ok")
        assert client.get("/readyz").json()["issuers"][issuer.url]["revocations"]["late"] is True
    with override_settings(RESOURCE_SERVER={**conf, "REVOCATIONS_WHEN_LATE": "refuse"}):
        answer = whoami(client, mint(iss=issuer.url))
        assert client.get("/readyz").status_code == 503
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")


def test_readiness_polls_before_the_first_request(client: Client, issuer: Loopback) -> None:
    issuer.publish(jwks())
    publish_feed(issuer)
    conf = {"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE], "REVOCATIONS": True, "REVOCATIONS_WHEN_LATE": "refuse"}
    with override_settings(RESOURCE_SERVER=conf):
        client.get("/readyz")
        polled(issuer.url)
        assert client.get("/readyz").status_code == 200


def settings_of(issuer: Loopback, jwks_url: str) -> dict[str, Any]:
    own = {"URL": issuer.url, "JWKS_URL": issuer.url + jwks_url, "REVOCATIONS": True}
    return {"ISSUERS": [own], "AUDIENCE": [AUDIENCE]}


def test_an_api_with_a_ring_of_its_own_follows_the_feed_of_that_ring(client: Client, issuer: Loopback) -> None:
    default, path = SigningKey(), "/.well-known/jwks/orders.json"
    issuer.publish(jwks(default))
    issuer.answers[path] = document(jwks(GOOD))
    for key, ring, refused in ((GOOD, "orders", True), (GOOD, "default", False), (default, "orders", False)):
        body = feeds.document(
            feeds.entry("sub", "mallory", until=NEVER, before=NEVER),
            signer=key, issuer=issuer.url, at=int(time.time()), ring=ring,
        )  # fmt: skip
        issuer.answers["/oauth/revocations/orders"] = raw(body)
        with override_settings(RESOURCE_SERVER=settings_of(issuer, path)):
            assert whoami(client, mint(iss=issuer.url)).status_code == 200
            assert bool(polled(issuer.url, good=refused)["entries"]) is refused, (
                "a stolen key of one ring revokes nothing for another"
            )
            answers = [whoami(client, mint(iss=issuer.url, sub=name)).status_code for name in ("alice", "mallory")]
        assert answers == [200, 401 if refused else 200]


def test_an_api_that_pins_keys_elsewhere_verifies_the_default_feed_by_the_default_ring(
    client: Client, issuer: Loopback
) -> None:
    default = SigningKey()
    issuer.publish(jwks(default))
    issuer.answers["/jwks/own.json"] = document(jwks(GOOD))
    publish_feed(issuer, feeds.entry("sub", "mallory", until=NEVER, before=NEVER), key=default)
    with override_settings(RESOURCE_SERVER=settings_of(issuer, "/jwks/own.json")):
        assert whoami(client, mint(iss=issuer.url)).status_code == 200
        polled(issuer.url)
        answers = [whoami(client, mint(iss=issuer.url, sub=name)).status_code for name in ("alice", "mallory")]
        stolen = whoami(client, mint(iss=issuer.url, key=default)).status_code
    assert answers == [200, 401]
    assert stolen == 401  # the default ring does not open this API


def test_of_two_issuers_each_verifies_by_its_own_keys_and_one_that_is_down_does_not_stop_the_other(
    client: Client, issuer: Loopback
) -> None:
    issuer.publish(jwks())
    dead = "http://127.0.0.1:9"
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url, dead], "AUDIENCE": [AUDIENCE]}):
        assert whoami(client, mint(iss=issuer.url)).status_code == 200
        assert whoami(client, mint(iss=dead)).status_code == 503
        assert whoami(client, mint(iss="https://third.example")).status_code == 401
        assert client.get("/readyz").status_code == 503


class Who(APIView):
    permission_classes = ()

    def get(self, request: Any) -> Response:
        return Response([type(request.user).__name__, getattr(request.user, "username", "")])


@pytest.mark.django_db(databases=["default"])
def test_a_local_user_is_looked_up_by_issuer_and_subject_together() -> None:
    users = get_user_model().objects
    users.create(username="alice", first_name="http://localhost:8000", last_name="sub-alice")
    users.create(username="elsewhere", first_name="https://other.example", last_name="sub-bob")
    users.create(username="gone", first_name="http://localhost:8000", last_name="sub-gone", is_active=False)

    def call(sub: str) -> Any:
        return Who.as_view()(RequestFactory().get("/", headers=bearer(mint(sub=sub))))

    with pinned(LOCAL_USERS={"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "last_name"}):
        assert call("sub-alice").data == ["User", "alice"]
        for sub in ("sub-bob", "sub-gone", "alice", "unknown"):
            answer = call(sub)
            assert (answer.status_code, answer.data["detail"]) == (401, "The token's subject may not use this API")
    with pinned():
        assert call("sub-alice").data == ["TokenUser", ""]


def test_tokens_are_counted_by_their_result(client: Client, issuer: Loopback) -> None:
    counters.reset_after_fork()
    with pinned():
        for token in (mint(), mint(), bad_tokens()["expired"], bad_tokens()["wrong audience"]):
            whoami(client, token)
        client.get("/api/whoami/?access_token=x", headers=bearer(mint()))
        client.get("/api/whoami/")
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE]}):
        whoami(client, mint())
        counted = status()["tokens"]
    assert {name: count for name, count in counted.items() if count} == {
        "accepted": 2,
        "refused_expired": 1,
        "refused_audience": 1,
        "invalid_request": 1,
        "unavailable": 1,
    }
