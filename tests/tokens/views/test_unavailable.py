"""With the database away every endpoint says so, and when to come again."""

from unittest.mock import patch

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError, connection

from tests.tokens.conftest import authorization, basic, log_in, post

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]
ENDPOINTS = {
    "/oauth/token": {"grant_type": "client_credentials", "scope": "notes:read"},
    "/oauth/revoke": {"token": "x"},
    "/oauth/introspect": {"token": "x"},
    "/oauth/device": {"scope": "notes:read"},
}


def away(*_):
    raise OperationalError("the server closed the connection: password=hunter2")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_endpoint_says_when_to_come_again(client, service, signer, path, caplog):
    client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = post(client, path, ENDPOINTS[path], **basic("service", service.plain))
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "5", "no-store")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert "hunter2" not in answer.content.decode()
    assert f"The database failed: {path}" in caplog.text


@pytest.mark.parametrize("path", ["/oauth/revocations", "/oauth/revocations/orders"])
def test_so_does_the_feed(client, path):
    client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(("path", "origin"), [("/oauth/token", "https://spa.example"), ("/oauth/revocations", "*")])
def test_a_page_of_another_origin_reads_it(client, service, signer, path, origin):
    type(service).objects.update(allowed_origins="https://spa.example")
    headers = {"HTTP_ORIGIN": "https://spa.example"} | basic("service", service.plain)
    fails = {"side_effect": OperationalError("deadlock")}
    with patch("tokens.views.token.backend", **fails), patch("tokens.views.revocations.store.database_now", **fails):
        answer = post(client, path, ENDPOINTS.get(path, {}), **headers) if origin != "*" else client.get(path)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (503, origin)
    assert "Retry-After" in answer["Access-Control-Expose-Headers"]


def test_a_browser_gets_a_page(client, user, webapp):
    client.raise_request_exception = False
    log_in(client, user)
    with patch("tokens.views.authorize.backend", side_effect=InterfaceError):
        answer = client.get("/oauth/authorize", authorization(webapp), HTTP_ACCEPT="text/html,*/*;q=0.8")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith("text/html")
    assert "Try again soon" in answer.content.decode()


def test_what_is_wrong_with_a_statement_is_an_error_of_ours(client, user, webapp):
    client.raise_request_exception = False
    log_in(client, user)
    with patch("tokens.views.authorize.backend", side_effect=ProgrammingError):
        assert client.get("/oauth/authorize", authorization(webapp)).status_code == 500
