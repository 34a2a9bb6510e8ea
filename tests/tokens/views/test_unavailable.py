"""While the database does not answer, every endpoint answers 503 with Retry-After."""

import json
import logging
from datetime import UTC, datetime
from importlib import import_module
from unittest.mock import patch

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache.backends.locmem import LocMemCache
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, connection

from tests.database_errors import raised
from tests.tokens.assertions import jwks, proof
from tests.tokens.factories import authorization, basic, log_in, make_client, post
from tokens.audit import trail
from tokens.keys.errors import NotReady
from tokens.models import Client
from tokens.registry_lock import RegistryLocked

NOW = datetime(2030, 1, 1, tzinfo=UTC)
pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]
ENDPOINTS = {
    "/oauth/token": {"grant_type": "client_credentials", "scope": "notes:read"},
    "/oauth/revoke": {"token": "x"},
    "/oauth/introspect": {"token": "x"},
    "/oauth/device": {"scope": "notes:read"},
    "/oauth/par": {"response_type": "code"},
}


def away(*_):
    raise OperationalError("the server closed the connection: password=hunter2")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_endpoint_answers_503_with_retry_after(client, service, signer, path, caplog):
    client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = post(client, path, ENDPOINTS[path], **basic("service", service.plain))
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "5", "no-store")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert "hunter2" not in answer.content.decode()
    assert f"The database failed: {path}" in caplog.text


@pytest.mark.parametrize("path", ["/oauth/revocations", "/oauth/revocations/orders"])
def test_the_feed_answers_503_with_retry_after(client, path):
    client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    ("path", "origin", "target"),
    [
        ("/oauth/token", "https://spa.example", "tokens.views.token.base.answer"),
        ("/oauth/revocations", "*", "tokens.revoking.current_feed.store.database_now"),
    ],
)
def test_a_page_of_a_registered_origin_reads_the_503(client, service, signer, path, origin, target):
    type(service).objects.update(allowed_origins="https://spa.example")
    headers = {"HTTP_ORIGIN": "https://spa.example"} | basic("service", service.plain)
    with patch(target, side_effect=OperationalError("deadlock")):
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


def test_an_invalid_statement_is_500(client, user, webapp):
    client.raise_request_exception = False
    log_in(client, user)
    with patch("tokens.views.authorize.backend", side_effect=ProgrammingError):
        assert client.get("/oauth/authorize", authorization(webapp)).status_code == 500


def read_only(execute, sql, *rest):
    if sql.split()[0] in {"INSERT", "UPDATE", "DELETE"}:
        raise raised(InternalError, "25006")
    return execute(sql, *rest)


@pytest.mark.parametrize("path", ["/oauth/device"])
def test_a_read_only_database_is_503(client, service, signer, path):
    client.raise_request_exception = False
    service.grants = ["urn:ietf:params:oauth:grant-type:device_code"]
    service.save()
    with connection.execute_wrapper(read_only):
        answer = post(client, path, ENDPOINTS[path], **basic("service", service.plain))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"] == "temporarily_unavailable"


def test_a_database_that_cannot_store_a_client_assertion_is_503(client, apis, signer):
    client.raise_request_exception = False
    make_client("robot", "client_credentials", client_jwks=jwks())
    Client.objects.filter(client_id="robot").update(token_endpoint_auth_method="private_key_jwt")
    with connection.execute_wrapper(read_only):
        answer = post(client, "/oauth/token", ENDPOINTS["/oauth/token"] | proof("robot"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert post(client, "/oauth/token", ENDPOINTS["/oauth/token"] | proof("robot")).status_code == 200


@pytest.mark.parametrize(("accepts", "kind"), [("text/html", "text/html"), ("*/*", "application/json")])
def test_a_session_that_cannot_be_saved_is_503(client, user, settings, accepts, kind):
    """An error in the session middleware, which saves the session after the view, is answered 503, too.

    `process_exception` of a middleware is not called for this error, but only for an error of a view.
    """
    client.raise_request_exception, settings.SESSION_SAVE_EVERY_REQUEST = False, True
    log_in(client, user)
    with patch.object(SessionStore, "save", side_effect=OperationalError("gone")):
        answer = client.get("/accounts/", HTTP_ACCEPT=accepts)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith(kind)


def test_another_error_of_a_middleware_is_500(client, user, settings):
    client.raise_request_exception, settings.SESSION_SAVE_EVERY_REQUEST = False, True
    log_in(client, user)
    with patch.object(SessionStore, "save", side_effect=ValueError("ours")):
        assert client.get("/accounts/", HTTP_ACCEPT="text/html").status_code == 500


@pytest.mark.django_db(transaction=True)
def test_a_client_gets_its_token_if_its_last_use_cannot_be_stored(client, service, signer):
    Client.objects.update(last_used_on=None)
    with connection.execute_wrapper(read_only):
        answer = post(client, "/oauth/token", ENDPOINTS["/oauth/token"], **basic("service", service.plain))
    assert answer.status_code == 200
    with connection.execute_wrapper(broken_statement):
        client.raise_request_exception = False
        Client.objects.update(name="another")  # no client is remembered
        answer = post(client, "/oauth/token", ENDPOINTS["/oauth/token"], **basic("service", service.plain))
    assert answer.status_code == 500, "what is ours is hidden by nothing"


def broken_statement(execute, sql, *rest):
    if "last_used_on" in sql and sql.startswith("UPDATE"):
        raise raised(ProgrammingError, "42P01")
    return execute(sql, *rest)


def noted(caplog):
    lines = [json.loads(message) for message in caplog.messages if message.startswith("{")]
    return [line["details"] for line in lines if line["action"] == "request.unavailable"]


CAUSES = {
    "/oauth/token": "the database cannot be reached",
    "/oauth/revoke": "the database cannot be reached",
    "/oauth/introspect": "the database cannot be reached",
    "/oauth/device": "the database cannot be reached",
    "/oauth/par": "the database cannot be reached",
    "/oauth/revocations": "the database cannot be reached",
}


@pytest.mark.parametrize("path", CAUSES)
def test_each_503_of_the_database_is_written_to_the_audit_log(client, service, signer, caplog, path):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    client.raise_request_exception = False
    with connection.execute_wrapper(away):
        for _ in range(3):
            if path in ENDPOINTS:
                post(client, path, ENDPOINTS[path], **basic("service", service.plain))
            else:
                client.get(path)
    assert noted(caplog) == [{"reason": CAUSES[path], "endpoint": path, "suppressed": 0}]
    assert caplog.text.count("The database failed") == 1, "one traceback, not one for each request"


def test_a_503_without_a_key_is_written_to_the_audit_log(client, service, caplog):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    for path in ("/oauth/token", "/.well-known/jwks.json", "/readyz"):
        answer = post(client, path, ENDPOINTS[path], **basic("service", service.plain)) if "token" in path else (
            client.get(path)
        )  # fmt: skip
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    [first, *rest] = noted(caplog)
    assert first["reason"] == "the ring 'default' has no key yet: run manage.py rotate_keys"
    assert [(line["endpoint"], line["reason"][:22]) for line in rest] == [("/readyz", "not ready: signing key")]


@pytest.mark.parametrize("path", ["/accounts/login/", "/oauth/device/verify"])
def test_a_503_because_the_cache_fails_is_written_to_the_audit_log(client, user, caplog, path):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    log_in(client, user)
    with patch.object(LocMemCache, "incr", side_effect=OSError):
        answer = client.post(path, {"login": "ada", "password": "x", "user_code": "ABCD-EFGH"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    [line] = noted(caplog)
    assert "cannot be counted: the shared cache does not answer" in line["reason"]
    assert line["endpoint"] == path


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/device/verify", "/accounts/login/"])
def test_a_503_because_the_clock_is_off_is_written_to_the_audit_log(client, user, webapp, caplog, path):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    if "login" not in path:
        log_in(client, user)
    with patch("tokens.keys.keyring.clock", side_effect=NotReady("this node's clock is 90 s off")):
        if path == "/oauth/authorize":
            answer = client.get(path, authorization(webapp))
        else:
            form = {"login": "ada", "password": "correct horse", "user_code": "ABCD-EFGH"}
            answer = client.post(path, form)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert noted(caplog) == [{"reason": "this node's clock is 90 s off", "endpoint": path, "suppressed": 0}]


def test_a_503_of_the_admin_because_of_a_lock_is_written_to_the_audit_log(admin_client, caplog):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    import_module("project.urls.issuer")  # before the patch, because its modules use `change` as a decorator
    with patch("tokens.registry_lock.change", side_effect=RegistryLocked("another transaction holds a lock")):
        answer = admin_client.post("/admin/tokens/client/add/", {})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert [line["reason"] for line in noted(caplog)] == ["another transaction holds a lock"]


def test_another_answer_is_not_written_to_the_audit_log(client, service, signer, caplog):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    for form in (ENDPOINTS["/oauth/token"], {"grant_type": "unknown"}):
        post(client, "/oauth/token", form, **basic("service", service.plain))
    assert noted(caplog) == []


@pytest.mark.django_db(transaction=True)
def test_the_audit_line_of_a_503_sends_no_statement(caplog):
    """Outside of a transaction, the line is logged without on_commit, which would open a database connection."""
    caplog.set_level(logging.INFO, logger="tokens.audit")
    with patch.object(connection, "ensure_connection", side_effect=OperationalError("gone")):
        trail.log("token.refused", actor="issuer", subject="client:x", now=NOW)
    assert "token.refused" in caplog.text
