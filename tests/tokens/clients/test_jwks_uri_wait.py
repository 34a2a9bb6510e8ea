"""Requests that wait while a client's keys are fetched from a slow server."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from itertools import islice

import pytest

from tests.resources.loopback import Loopback, document
from tests.tokens.assertions import proof, public_jwk
from tests.tokens.factories import make_client, post
from tokens.clients import jwks_uri, key_copy, private_key_jwt
from tokens.models import Client


class Slow(Loopback):
    """A server that publishes a key.

    After `hold` was called, a fetch sets `asked`, and gets its answer when `released` is set.
    """

    def __init__(self):
        super().__init__()
        self.asked, self.released = threading.Event(), threading.Event()
        self.answers["/keys"] = document({"keys": [public_jwk(kid="one")]})

    def hold(self):
        self.answers["/keys"] = self.slow_answer()

    def slow_answer(self):
        def answer(handler):
            self.asked.set()
            self.released.wait(120)
            document({"keys": [public_jwk(kid="one"), public_jwk(kid="two", name="two")]})(handler)

        return answer

    def kids(self, kid):
        return [key.kid for key in jwks_uri.keys(f"{self.url}/keys", kid=kid)]


@pytest.fixture
def slow(settings):
    settings.DEBUG = True  # its keys are on loopback
    jwks_uri.forget()
    server = Slow()
    yield server
    server.released.set()
    server.stop()
    jwks_uri.forget()


@pytest.fixture
def crowd():
    with ThreadPoolExecutor(20) as pool:
        yield pool


def test_a_request_with_a_known_key_does_not_wait_for_an_attackers_fetch(slow, crowd, monkeypatch):
    monkeypatch.setattr(key_copy, "PAUSE", 0)
    assert slow.kids("one") == ["one"]
    slow.hold()
    stranger = crowd.submit(slow.kids, "never")
    assert slow.asked.wait(60)
    futures = [crowd.submit(slow.kids, "one") for _ in range(10)]
    assert [future.result(timeout=60) for future in futures] == [["one"]] * 10
    assert not stranger.done()
    slow.released.set()
    assert stranger.result(timeout=60) == ["one", "two"]


def test_eight_requests_wait_for_an_address_and_further_ones_get_retry_after(slow, crowd):
    slow.hold()
    asking = [crowd.submit(slow.kids, "one") for _ in range(12)]
    assert slow.asked.wait(60)
    turned_away = [future.exception() for future in islice(as_completed(asking, timeout=60), 4)]
    assert {(error.error, error.status_code, error.headers["Retry-After"]) for error in turned_away} == {
        ("temporarily_unavailable", 503, "1")
    }
    slow.released.set()
    waited = [future.result() for future in asking if not future.exception(timeout=60)]
    assert waited == [["one", "two"]] * 8
    assert slow.fetches("/keys") == 1


def test_self_registered_clients_with_many_slow_addresses_occupy_two_requests_and_eight_fetches(slow, crowd):
    """At most two requests of self-registered clients wait for keys, and at most eight fetches run for them.

    A client that an operator registered still gets its keys, even if a self-registered client names the same
    address for its own keys.
    """
    addresses = [f"{slow.url}/keys?{number}" for number in range(12)]
    for address in addresses:
        slow.answers[address.removeprefix(slow.url)] = slow.slow_answer()
    asking = [crowd.submit(jwks_uri.keys, address, kid="one", is_self_registered=True) for address in addresses]
    turned_away = list(islice(as_completed(asking, timeout=60), len(addresses) - jwks_uri.SELF_REGISTERED_WAIT))
    assert {error.status_code for future in turned_away if (error := future.exception())} == {503}
    assert [key.kid for key in jwks_uri.keys(f"{slow.url}/keys", kid="one")] == ["one"]
    own = crowd.submit(jwks_uri.keys, addresses[0], kid="one")
    slow.released.set()
    assert [key.kid for key in own.result(timeout=60)] == ["one", "two"]
    assert (
        sum(slow.fetches(address.removeprefix(slow.url)) for address in addresses) <= jwks_uri.SELF_REGISTERED_FETCH + 1
    )


def test_a_fetch_whose_thread_cannot_start_leaves_its_place_to_the_next_fetch(monkeypatch):
    def no_thread(_work):
        raise RuntimeError("can't start new thread")

    started = []
    spawn = jwks_uri._bounded(1)
    with monkeypatch.context() as without:
        without.setattr(key_copy, "in_a_thread", no_thread)
        with pytest.raises(RuntimeError, match="can't start"):
            spawn(lambda: None)
    monkeypatch.setattr(key_copy, "in_a_thread", started.append)
    spawn(lambda: None)
    with pytest.raises(RuntimeError, match="too many fetches"):
        spawn(lambda: None)
    assert len(started) == 1


def test_the_keys_of_the_address_that_was_used_least_recently_are_dropped(slow, monkeypatch):
    monkeypatch.setattr(jwks_uri, "ADDRESSES", 2)
    for path in ("keys", "first", "keys", "second", "keys"):
        jwks_uri.keys(f"{slow.url}/{path}", kid="one")
    assert slow.fetches("/keys") == 1


def test_a_request_that_waits_for_keys_can_be_answered_in_time(settings):
    assert key_copy.PATIENCE < settings.ANSWER_WITHIN


def test_self_registered_clients_do_not_evict_the_keys_of_other_clients(slow, monkeypatch):
    monkeypatch.setattr(jwks_uri, "ADDRESSES", 2)
    assert slow.kids("one") == ["one"]
    for number in range(3):
        jwks_uri.keys(f"{slow.url}/other{number}", kid="one", is_self_registered=True)
    assert slow.kids("one") == ["one"]
    assert slow.fetches("/keys") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("registered_by", ["dynamic", None])
def test_a_client_that_registered_itself_has_the_lower_limits(client, apis, slow, monkeypatch, registered_by):
    own = make_client("own", "client_credentials", client_jwks_uri=f"{slow.url}/keys")
    Client.objects.update(token_endpoint_auth_method="private_key_jwt", registered_by=registered_by)
    calls = []
    monkeypatch.setattr(
        jwks_uri, "keys", lambda url, *, kid, is_self_registered: calls.append(is_self_registered) or ()
    )
    own.refresh_from_db()
    private_key_jwt.keys(own, kid="one")
    assert calls == [registered_by is not None]


@pytest.mark.django_db
def test_a_client_whose_keys_take_too_long_gets_503_with_retry_after(client, apis, signer, slow, monkeypatch, caplog):
    monkeypatch.setattr(jwks_uri, "KeyCopy", partial(key_copy.KeyCopy, patience=0))
    slow.hold()
    make_client("own", "client_credentials", client_jwks_uri=f"{slow.url}/keys")
    Client.objects.update(token_endpoint_auth_method="private_key_jwt")
    caplog.set_level("INFO", "tokens.audit")
    answer = post(client, "/oauth/token", {"grant_type": "client_credentials"} | proof("own", header={"kid": "one"}))
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "1", "no-store")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert '"action": "token.refused"' in caplog.text


FORKS = """
import os, signal, django
django.setup()
from tokens.clients import jwks_uri as published_keys
with published_keys._registered.lock:
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        published_keys.keys("http://127.0.0.1:1/keys", kid="one")
        os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.processes
def test_a_process_that_was_forked_while_a_lock_was_held_does_not_hang():
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONWARNINGS": "ignore"}
    printed = subprocess.check_output([sys.executable, "-c", FORKS], env=environment, text=True, timeout=60)
    assert printed == "7\n"
