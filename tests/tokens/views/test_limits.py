"""Every path that has a rate limit.

Over the limit, it answers 429 with Retry-After, and writes one line to the log.
"""

import json
import logging
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from tests.tokens.assertions import ISSUER, proof, sign
from tests.tokens.factories import basic, log_in, make_client, post
from tokens.clients import registry
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.password_slots import RETRY_AFTER, Busy
from tokens.settings.rate import RATE_LIMITS
from tokens.views.limits import Attempts, busy_page, please_wait

ENDPOINTS = {"/oauth/token": "token", "/oauth/revoke": "token", "/oauth/introspect": "introspect"} | {
    "/oauth/device": "device",
    "/oauth/par": "par",
}
PAGES = {
    "/accounts/login/": ("login", {"login": "typed-here", "password": "x"}, "user:unknown"),
    "/admin/login/": ("login", {"username": "typed-here", "password": "x"}, "user:unknown"),
    "/oauth/device/verify": ("device-code", {"user_code": "BCDF-GHJK"}, "user:ada"),
}


@pytest.fixture(autouse=True)
def strict(settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": dict.fromkeys(RATE_LIMITS, (3, 86_400))}


def limited(caplog):
    lines = [json.loads(record.message) for record in caplog.records if record.name == "tokens.audit"]
    return [line for line in lines if line["action"] == "request.limited"]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_endpoint_says_429_each_time_and_the_log_says_it_once(client, service, caplog, path):
    caplog.set_level(logging.INFO, "tokens.audit")
    answers = [post(client, path, {"grant_type": "client_credentials"}, **basic("service", "wrong")) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429, 429]
    for answer in answers[3:]:
        assert 0 < int(answer["Retry-After"]) <= 86_400
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/json", "no-store")
        assert answer.json()["error"] == "temporarily_unavailable"
    (line,) = limited(caplog)
    assert (line["actor"], line["subject"]) == ("issuer", "client:service")
    assert line["details"] == {"what": ENDPOINTS[path], "address": "127.0.0.1"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_429_each_time_and_the_log_says_it_once(client, user, caplog, path):
    caplog.set_level(logging.INFO, "tokens.audit")
    what, form, subject = PAGES[path]
    if what == "device-code":
        log_in(client, user)
    answers = [client.post(path, form) for _ in range(6)]
    assert [answer.status_code for answer in answers[3:]] == [429, 429, 429]
    assert 429 not in [answer.status_code for answer in answers[:3]]
    for answer in answers[3:]:
        assert 0 < int(answer["Retry-After"]) <= 86_400
        assert (answer["Cache-Control"], answer["X-Frame-Options"]) == ("no-store", "DENY")
    (line,) = limited(caplog)
    assert (line["subject"], line["details"]) == (subject, {"what": what, "address": "127.0.0.1"})
    assert "typed-here" not in caplog.text


@pytest.mark.django_db
def test_one_address_that_tries_many_names_is_one_line(client, caplog):
    caplog.set_level(logging.INFO, "tokens.audit")
    for number in range(34):
        client.post("/accounts/login/", {"login": f"user{number}", "password": "x"})
    assert [line["details"]["what"] for line in limited(caplog)] == ["logins"]


def request_mail(client, email, address="192.0.2.1"):
    return client.post("/accounts/password/reset/", {"email": email}, REMOTE_ADDR=address).status_code


@pytest.mark.django_db
def test_an_address_that_requests_mail_to_many_e_mail_addresses_gets_429_and_one_line(client, caplog):
    caplog.set_level(logging.INFO, "tokens.audit")
    statuses = [request_mail(client, f"user{number}@example.org") for number in range(32)]
    assert statuses == [302] * 30 + [429] * 2
    assert [line["details"] for line in limited(caplog)] == [{"what": "mails", "address": "192.0.2.1"}]
    assert request_mail(client, "user31@example.org", "192.0.2.2") == 302, "another address goes on"


@pytest.mark.django_db
def test_mail_to_one_e_mail_address_is_limited_and_logged_once_without_the_e_mail_address(client, caplog):
    caplog.set_level(logging.INFO, "tokens.audit")
    statuses = [request_mail(client, "typed-here@example.org", f"192.0.2.{number}") for number in range(5)]
    assert statuses == [302] * 3 + [429] * 2
    (line,) = limited(caplog)
    assert (line["subject"], line["details"]) == ("user:unknown", {"what": "mail", "address": "192.0.2.3"})
    assert "typed-here" not in caplog.text


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [("/accounts/password/reset/", "mail", "This page is"), ("/accounts/login/", "login", "Login is")],
)
def test_a_form_is_refused_while_nothing_can_be_counted(client, monkeypatch, caplog, path, kind, text):
    def fail(*_args, **_kwargs):
        raise NotCounted

    monkeypatch.setattr(rate_limit, "count", fail)
    answer = client.post(path, {"email": "ada@example.org", "login": "ada", "password": "x"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert f"{text} not available at the moment." in answer.content.decode()
    assert f"attempts ({kind}) cannot be counted: the shared cache does not answer" in caplog.text


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/"])
def test_a_form_that_is_only_opened_is_not_counted(client, path):
    assert [client.get(path).status_code for _ in range(5)] == [200] * 5


def served_before(*clients):
    for client in clients:
        registry.keep(client, version=registry.version())


def test_clients_that_authenticate_by_key_are_counted_apart(client, apis, caplog):
    caplog.set_level(logging.INFO, "tokens.audit")
    served_before(*(make_client(name, "client_credentials") for name in ("one", "two")))
    ask = {"grant_type": "client_credentials"}
    assert [post(client, "/oauth/token", ask | proof("one")).status_code for _ in range(4)] == [401, 401, 401, 429]
    assert post(client, "/oauth/token", ask | proof("two")).status_code == 401
    assert [line["subject"] for line in limited(caplog)] == ["client:one"]


def test_makers_of_assertions_about_users_are_counted_apart(client, apis):
    served_before(*(make_client(name, "client_credentials") for name in ("one", "two")))

    def request_token(name):
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return post(client, "/oauth/token", {"grant_type": grant, "assertion": sign(name, aud=ISSUER)}).status_code

    assert 429 not in [request_token("one") for _ in range(3)]
    assert request_token("one") == 429
    assert request_token("two") != 429


@pytest.mark.parametrize("path", ENDPOINTS)
def test_invented_names_share_one_counter_for_each_address(client, service, path):
    def request_token(name, **extra):
        form = {"grant_type": "client_credentials", "token": "x"}
        return post(client, path, form, **basic(name, "wrong"), **extra).status_code

    assert [request_token(f"invented{number}") for number in range(5)] == [401, 401, 401, 429, 429]
    assert request_token("invented9", REMOTE_ADDR="192.0.2.9") == 401
    served_before(service)
    assert request_token("service") == 401, "a client goes on beside the flood"


@pytest.mark.django_db
def test_a_flood_of_invented_names_makes_one_counter(client):
    with patch.object(cache, "add", wraps=cache.add) as add:
        for number in range(20):
            post(client, "/oauth/token", {"client_id": f"invented{number}"})
    assert len({call.args[0] for call in add.call_args_list}) == 1


def test_a_client_is_counted_by_its_name_once_it_was_served(client, service, signer):
    ask = {"grant_type": "client_credentials", "scope": "notes:read"} | basic_form(service)
    assert post(client, "/oauth/token", ask).status_code == 200
    for number in range(4):
        post(client, "/oauth/token", {"client_id": f"invented{number}"})
    assert [post(client, "/oauth/token", ask).status_code for _ in range(4)] == [200, 200, 200, 429]


def basic_form(client):
    return {"client_id": client.client_id, "client_secret": client.plain}


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 second"), (120, "120 seconds"), (121, "3 minutes"), (3600, "60 minutes")]
)
def test_a_page_names_a_long_wait_in_minutes(seconds, words):
    answer = please_wait(RequestFactory().get("/accounts/login/"), 429, seconds, after=Attempts.LOGIN)
    assert f"Try again in {words}." in answer.content.decode()
    assert answer["Retry-After"] == str(seconds)


def test_a_busy_page_says_wait_and_counts_no_attempt(rf):
    def view(_request):
        raise Busy

    with patch.object(rate_limit, "count") as count:
        answer = busy_page(view)(rf.post("/"))
    assert (answer.status_code, answer["Retry-After"], count.call_count) == (503, str(RETRY_AFTER), 0)
