"""If the DNS resolver hangs, a request waits no longer than it would wait for the issuer."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory, override_settings
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.outbound import fetch, wire
from resources.outbound.fetch import FetchError
from resources.outbound.resolve import Lookups
from resources.permissions import RequireActive
from resources.testing import SigningKey, bearer, jwks, mint
from tests.resources.loopback import Loopback, document, raw, within

NAME = "issuer.localhost"
AUDIENCE = "http://localhost:8001/"


class Resolver:
    """A DNS resolver that resolves one name to addresses of loopback.

    While `hangs` is True, it waits for `release`.
    """

    def __init__(self) -> None:
        self.hangs = False
        self.hanging, self.release = threading.Event(), threading.Event()
        self.lookups = 0
        self.addresses = ["127.0.0.1"]
        self._real = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host != NAME:
            return self._real(host, port, *arguments, **options)
        self.lookups += 1
        if self.hangs:
            self.hanging.set()
            assert self.release.wait(600)
        return [entry for address in self.addresses for entry in self._real(address, port, *arguments, **options)]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    monkeypatch.setattr(wire, "lookups", Lookups())
    yield made
    made.release.set()


@pytest.fixture
def by_name(issuer: Loopback, resolver: Resolver) -> Iterator[Loopback]:
    """Yield an issuer whose URL has a host name, and make the API trust it."""
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
        fetch.get(f"http://{NAME}:1/", within(0.1))
    assert not resolver.release.is_set()
    hanging = [thread for thread in threading.enumerate() if thread.name == "resources-dns"]
    assert all(thread.daemon for thread in hanging), "a process can exit while the resolver hangs"


def test_a_look_up_that_hangs_occupies_one_thread_for_all_requests(resolver: Resolver) -> None:
    resolver.hangs = True
    lookups = Lookups()
    for _ in range(20):
        with pytest.raises(TimeoutError, match="not resolved in time"):
            lookups.addresses(NAME, 1, timeout=0.01)
    assert resolver.hanging.wait(60)
    assert resolver.lookups == 1


def test_a_name_that_was_slow_is_looked_up_again(by_name: Loopback, resolver: Resolver) -> None:
    by_name.answers["/"] = raw(b"{}")
    resolver.hangs = True
    with pytest.raises(FetchError):
        fetch.get(f"{by_name.url}/", within(0.01))
    resolver.hangs = False
    resolver.release.set()
    assert fetch.get(f"{by_name.url}/", within(10)).body == b"{}"


def test_every_address_of_a_name_is_tried(by_name: Loopback, resolver: Resolver) -> None:
    by_name.answers["/"] = raw(b"{}")
    resolver.addresses = ["127.0.0.2", "127.0.0.1"]
    assert fetch.get(f"{by_name.url}/", within(10)).body == b"{}"


def test_an_unknown_name_and_a_name_without_an_address_are_failures(resolver: Resolver) -> None:
    with pytest.raises(FetchError, match=r"nobody\.invalid"):
        fetch.get("https://nobody.invalid/", within(30))
    resolver.addresses = []
    with pytest.raises(FetchError, match="no address"):
        fetch.get(f"http://{NAME}:1/", within(10))


def test_a_thread_that_cannot_be_started_is_a_failure(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(FetchError, match="can't start new thread"):
        fetch.get(f"http://{NAME}:1/", within(1))


@pytest.mark.django_db
def test_known_kids_do_not_wait_for_the_resolver_and_an_unknown_one_gets_503(
    by_name: Loopback, resolver: Resolver
) -> None:
    assert whoami(by_name) == 200
    resolver.hangs = True
    answers: list[int] = []
    unknown = threading.Thread(target=lambda: answers.append(whoami(by_name, SigningKey())))
    unknown.start()
    assert resolver.hanging.wait(120)
    assert [whoami(by_name) for _ in range(5)] == [200] * 5
    unknown.join(120)
    assert answers == [503]
    assert not resolver.release.is_set(), "the resolver still hangs"


def test_a_process_without_keys_answers_503_while_the_resolver_hangs(by_name: Loopback, resolver: Resolver) -> None:
    resolver.hangs = True
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(whoami(by_name))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert answers == [503] * 12
    assert resolver.lookups == 1, "a fetch after a pause waits for the same answer"
    assert not resolver.release.is_set()


class Guarded(APIView):
    permission_classes = [RequireActive()]

    def get(self, request: Any) -> Response:
        return Response("let in")


def test_introspection_gives_up_while_the_resolver_hangs(by_name: Loopback, resolver: Resolver) -> None:
    token = mint(iss=by_name.url, aud=AUDIENCE)
    assert whoami(by_name) == 200
    resolver.hangs = True
    answers: list[int] = []

    def call() -> None:
        answers.append(Guarded.as_view()(RequestFactory().get("/", headers=bearer(token))).status_code)

    asking = threading.Thread(target=call)
    asking.start()
    asking.join(120)
    assert answers == [503]
    assert not resolver.release.is_set()
