"""A resolver that hangs: nobody waits for it longer than they would for the issuer."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory, override_settings
from rest_framework.response import Response
from rest_framework.views import APIView

from resources import fetch
from resources.fetch import FetchError
from resources.permissions import RequireActive
from resources.resolve import Lookups
from resources.testing import SigningKey, bearer, jwks, mint
from tests.resources.loopback import Loopback, document, raw

NAME = "issuer.localhost"
AUDIENCE = "http://localhost:8001/"


class Resolver:
    """Knows one name, whose addresses are loopback's; hangs when it is told to, until it is let go."""

    def __init__(self) -> None:
        self.hangs = False
        self.hanging, self.let_go = threading.Event(), threading.Event()
        self.asked = 0
        self.addresses = ["127.0.0.1"]
        self._real = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host != NAME:
            return self._real(host, port, *arguments, **options)
        self.asked += 1
        if self.hangs:
            self.hanging.set()
            assert self.let_go.wait(600)
        return [found for one in self.addresses for found in self._real(one, port, *arguments, **options)]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    one = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", one)
    monkeypatch.setattr(fetch, "lookups", Lookups())
    yield one
    one.let_go.set()


@pytest.fixture
def named(issuer: Loopback, resolver: Resolver) -> Iterator[Loopback]:
    """An issuer that is found by its name, and the API that trusts it."""
    issuer.url = f"http://{NAME}:{issuer.server.server_port}"
    issuer.publish(jwks())
    addresses = {"jwks_uri": f"{issuer.url}/jwks.json", "introspection_endpoint": f"{issuer.url}/introspect"}
    issuer.answers["/.well-known/oauth-authorization-server"] = document({"issuer": issuer.url, **addresses})
    issuer.answers["/introspect"] = document({"active": True})
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE]}):
        yield issuer


def whoami(issuer: Loopback, key: SigningKey | None = None) -> int:
    token = mint(iss=issuer.url, aud=AUDIENCE, key=key)
    return Client().get("/api/whoami/", headers=bearer(token)).status_code


def test_a_fetch_ends_at_its_deadline_while_the_resolver_hangs(resolver: Resolver) -> None:
    resolver.hangs = True
    with pytest.raises(FetchError, match="not resolved in time"):
        fetch.get(f"http://{NAME}:1/", deadline=0.1, clock=time.monotonic)
    assert not resolver.let_go.is_set()


def test_a_name_that_hangs_holds_one_thread_however_many_ask(resolver: Resolver) -> None:
    resolver.hangs = True
    for _ in range(20):
        with pytest.raises(FetchError, match="not resolved in time"):
            fetch.get(f"http://{NAME}:1/", deadline=0.01, clock=time.monotonic)
    assert resolver.asked == 1


def test_a_name_that_was_slow_is_asked_for_anew(named: Loopback, resolver: Resolver) -> None:
    named.answers["/"] = raw(b"{}")
    resolver.hangs = True
    with pytest.raises(FetchError):
        fetch.get(f"{named.url}/", deadline=0.01, clock=time.monotonic)
    resolver.hangs = False
    resolver.let_go.set()
    assert fetch.get(f"{named.url}/", deadline=10, clock=time.monotonic).body == b"{}"


def test_every_address_of_a_name_is_tried(named: Loopback, resolver: Resolver) -> None:
    named.answers["/"] = raw(b"{}")
    resolver.addresses = ["127.0.0.2", "127.0.0.1"]
    assert fetch.get(f"{named.url}/", deadline=10, clock=time.monotonic).body == b"{}"


def test_a_name_that_nobody_knows_and_one_without_an_address_are_failures(resolver: Resolver) -> None:
    with pytest.raises(FetchError, match=r"nobody\.invalid"):
        fetch.get("https://nobody.invalid/", deadline=30, clock=time.monotonic)
    resolver.addresses = []
    with pytest.raises(FetchError, match="no address"):
        fetch.get(f"http://{NAME}:1/", deadline=10, clock=time.monotonic)


def test_a_thread_that_cannot_be_started_is_a_failure(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(FetchError, match="can't start new thread"):
        fetch.get(f"http://{NAME}:1/", deadline=1, clock=time.monotonic)


@pytest.mark.django_db
def test_known_kids_do_not_wait_for_it_and_an_unknown_one_is_told_to_come_again(
    named: Loopback, resolver: Resolver
) -> None:
    assert whoami(named) == 200
    resolver.hangs = True
    answers: list[int] = []
    unknown = threading.Thread(target=lambda: answers.append(whoami(named, SigningKey())))
    unknown.start()
    assert resolver.hanging.wait(120)
    assert [whoami(named) for _ in range(5)] == [200] * 5
    unknown.join(120)
    assert answers == [503]
    assert not resolver.let_go.is_set(), "nobody was helped by the resolver"


def test_a_process_without_keys_is_not_held_up_by_it(named: Loopback, resolver: Resolver) -> None:
    resolver.hangs = True
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(whoami(named))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert answers == [503] * 12
    assert resolver.asked == 1, "a fetch after a pause waits for the same answer"
    assert not resolver.let_go.is_set()


class Guarded(APIView):
    permission_classes = [RequireActive()]

    def get(self, request: Any) -> Response:
        return Response("let in")


def test_who_asks_for_an_active_token_is_not_held_up_by_it(named: Loopback, resolver: Resolver) -> None:
    token = mint(iss=named.url, aud=AUDIENCE)
    assert whoami(named) == 200
    resolver.hangs = True
    answers: list[int] = []

    def ask() -> None:
        answers.append(Guarded.as_view()(RequestFactory().get("/", headers=bearer(token))).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(120)
    assert answers == [503]
    assert not resolver.let_go.is_set()
