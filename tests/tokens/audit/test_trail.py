"""Each event of the audit trail is stored and logged once, without secrets."""

import base64
import json
import logging
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from project.logs import LogLine
from tests.tokens.factories import API, allow, authorization, basic, log_in, make_client, parameters, post
from tokens.audit import trail
from tokens.models import AuditEvent, Client
from tokens.parameters import FORM

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
LINE = {
    "at": "2030-01-01T12:00:00Z",
    "action": "client.created",
    "actor": "user:alice",
    "subject": "client:webapp",
    "details": {"grants": ["authorization_code"]},
}


def record() -> AuditEvent:
    return trail.record(
        "client.created",
        actor="user:alice",
        subject="client:webapp",
        details={"grants": ["authorization_code"]},
        now=NOW,
    )


@pytest.mark.django_db
def test_an_event_is_a_row_with_actor_action_subject_and_instant() -> None:
    event = AuditEvent.objects.get(pk=record().pk)
    assert (event.at, event.action, event.actor, event.subject, event.details) == (
        NOW,
        "client.created",
        "user:alice",
        "client:webapp",
        {"grants": ["authorization_code"]},
    )


@pytest.mark.django_db
def test_an_event_is_one_line_of_json_once_it_is_committed(
    caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks
) -> None:
    caplog.set_level(logging.INFO, logger="tokens.audit")
    with django_capture_on_commit_callbacks(execute=True):
        record()
        assert lines(caplog) == []
    assert [json.loads(message) for message in caplog.messages] == [LINE]


@pytest.mark.django_db
@pytest.mark.parametrize("write", [trail.record, trail.log])
def test_a_line_has_no_name_of_an_e_mail_address_but_of_a_user(
    caplog, django_capture_on_commit_callbacks, write
) -> None:
    caplog.set_level(logging.INFO, logger="tokens.audit")
    details = {"email": ["", "ada@example.org"], "more": {"to": "Ada <ada@example.org>"}, "count": 2}
    with django_capture_on_commit_callbacks(execute=True):
        write("user.changed", actor="user:eve@example.org", subject="user:ada", details=details, now=NOW)
    (line,) = (json.loads(message) for message in caplog.messages)
    assert line["details"] == {"email": ["", "…@example.org"], "more": {"to": "Ada <…@example.org>"}, "count": 2}
    assert line["actor"] == "user:eve@example.org"
    assert [event.details for event in AuditEvent.objects.all()] in ([], [details])


@pytest.mark.parametrize(
    ("subject", "logged"),
    [
        ("client:https://ada:a-password@app.example/client.json", "client:https://…@app.example/client.json"),
        ("client:https://ada:pass,word@localhost", "client:https://…@localhost"),
        ("client:https://ada:pass@word@[::1]?a", "client:https://…@[::1]?a"),
        ("client:ada@app", "client:ada@app"),
        ("client:https://app.example/@ada", "client:https://app.example/@ada"),
        ("client:https://app.example/npm/app@1/client.json", "client:https://app.example/npm/app@1/client.json"),
        ("client:https://app.example?a@b", "client:https://app.example?a@b"),
    ],
)
def test_a_line_has_no_password_of_a_url_and_each_id_that_a_client_can_have(caplog, subject, logged) -> None:
    caplog.set_level(logging.INFO, logger="tokens.audit")
    trail.log("token.refused", actor="issuer", subject=subject, now=NOW)
    assert [json.loads(message)["subject"] for message in caplog.messages] == [logged]


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_rolled_back_is_neither_stored_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tokens.audit")
    with transaction.atomic():
        record()
        transaction.set_rollback(True)
    assert (caplog.messages, AuditEvent.objects.count()) == ([], 0)


def test_a_value_cannot_start_a_second_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tokens.audit")
    trail.log("token.refused", actor="client:a\n{}", subject="client:a\r\n", now=NOW)
    assert [len(message.splitlines()) for message in caplog.messages] == [1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "rewrite",
    [
        lambda: AuditEvent.objects.update(actor="user:mallory"),
        lambda: AuditEvent.objects.all().delete(),
        lambda: AuditEvent(pk=AuditEvent.objects.get().pk, at=NOW).save(force_update=True),
    ],
    ids=["update", "delete", "save"],
)
def test_the_database_refuses_to_change_an_event(rewrite) -> None:
    record()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rewrite()
    assert AuditEvent.objects.get().actor == "user:alice"


def lines(caplog):
    return [json.loads(record.message) for record in caplog.records if record.name == "tokens.audit"]


@pytest.mark.django_db
def test_issued_and_refused_tokens_are_lines_without_any_token_or_secret(client, service, signer, caplog):
    caplog.set_level(logging.INFO, "tokens.audit")
    ask = {"grant_type": "client_credentials", "scope": "notes:read"}
    body = post(client, "/oauth/token", ask, **basic("service", service.plain)).json()
    post(client, "/oauth/token", ask, **basic("service", "wrong-secret"))
    issued, refused = lines(caplog)
    assert (issued["action"], issued["actor"], issued["subject"]) == ("token.issued", "client:service", "service")
    assert issued["details"]["scope"] == "notes:read"
    assert (refused["action"], refused["subject"]) == ("token.refused", "client:service")
    assert refused["details"]["error"] == "invalid_client"
    assert refused["details"]["address"] == "127.0.0.1"
    for secret in (body["access_token"], service.plain, "wrong-secret"):
        assert secret not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_token_whose_transaction_is_rolled_back_is_not_logged_as_issued(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tokens.audit")
    with transaction.atomic():
        trail.log("token.issued", actor="client:webapp", subject="ada", now=NOW)
        assert lines(caplog) == []
        transaction.set_rollback(True)
    assert lines(caplog) == []


def test_a_line_of_the_audit_log_is_json_and_other_lines_name_their_logger() -> None:
    line = LogLine("%(levelname)s %(name)s: %(message)s")
    said = [logging.LogRecord(name, logging.INFO, "", 0, "%s", ('{"a": 1}',), None) for name in ("tokens.audit", "x")]
    assert [line.format(record) for record in said] == ['{"a": 1}', 'INFO x: {"a": 1}']


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "headers", "reason"),
    [
        ({"client_id": "service", "client_secret": "wrong"}, {}, "the secret is wrong, or missing"),
        ({"client_id": "nobody", "client_secret": "wrong"}, {}, "no active client has this client_id"),
        ({}, {}, "the request names no client"),
        ({}, {"HTTP_AUTHORIZATION": "Basic !"}, "the Authorization header is malformed"),
        ({}, {"HTTP_AUTHORIZATION": "Bearer x"}, "the Authorization header is not Basic"),
    ],
)
def test_the_reason_for_refusing_a_client_is_in_the_log_and_not_in_the_answer(
    client, service, caplog, form, headers, reason
):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    answer = post(client, "/oauth/token", {"grant_type": "client_credentials", "scope": "notes:read"} | form, **headers)
    assert answer.json() == {"error": "invalid_client", "error_description": "Client authentication failed."}
    [line] = [json.loads(record.getMessage()) for record in caplog.records if record.name == "tokens.audit"]
    assert (line["action"], line["details"]["reason"]) == ("token.refused", reason)


REFUSING = [
    ("/oauth/token", "token.refused"),
    ("/oauth/introspect", "introspection.refused"),
    ("/oauth/revoke", "revocation.refused"),
    ("/oauth/device", "device.request_refused"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "action"), REFUSING)
def test_each_endpoint_logs_the_refused_caller_and_its_address(client, service, caplog, path, action):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    post(client, path, {"token": "t-o-k-e-n", "client_id": "service", "client_secret": "wrong"})
    [line] = [json.loads(record.getMessage()) for record in caplog.records if record.name == "tokens.audit"]
    assert (line["action"], line["subject"]) == (action, "client:service")
    assert line["details"]["address"] == "127.0.0.1"
    assert "t-o-k-e-n" not in caplog.text


@pytest.mark.django_db
def test_a_token_that_userinfo_refuses_is_logged_without_the_token(client, caplog):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    client.get("/oauth/userinfo", HTTP_AUTHORIZATION="Bearer t-o-k-e-n")
    [line] = [json.loads(record.getMessage()) for record in caplog.records if record.name == "tokens.audit"]
    assert (line["action"], line["details"]["error"]) == ("userinfo.refused", "invalid_token")
    assert "t-o-k-e-n" not in caplog.text


REFUSED_UNREAD = {
    "another method": ({"method": "PUT"}, "Use POST."),
    "a preflight of nobody": ({"method": "OPTIONS"}, "Use POST."),
    "JSON": ({"content_type": "application/json"}, f"Send the parameters as {FORM}."),
    "an upload": ({"content_type": "multipart/form-data; boundary=x"}, f"Send the parameters as {FORM}."),
    "a charset": ({"content_type": f"{FORM}; charset=utf-16"}, "Send the parameters in UTF-8."),
    "no length": ({"CONTENT_LENGTH": ""}, "Send the length of the body as Content-Length."),
    "a wrong length": ({"CONTENT_LENGTH": "x"}, "The Content-Length is not a number."),
    "too long": ({"CONTENT_LENGTH": "99999999"}, "The request is too large."),
    "too many fields": ({"data": b"s-e-c-r-e-t=1&" * 1001}, "The request is too large."),
    "no UTF-8": ({"data": b"s-e-c-r-e-t=%ff"}, "The parameters cannot be read."),
}


@pytest.mark.parametrize(("path", "action"), REFUSING)
@pytest.mark.parametrize("what", REFUSED_UNREAD)
def test_a_request_that_is_refused_unread_is_logged_with_the_reason_and_without_its_body(
    client, caplog, path, action, what
):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    changes, reason = REFUSED_UNREAD[what]
    sent = {"method": "POST", "data": b"client_id=s-e-c-r-e-t", "content_type": FORM} | changes
    headers = basic("service", "s-e-c-r-e-t")
    answer = client.generic(path=path, **sent, **headers)
    assert answer.status_code >= 400
    [line] = lines(caplog)
    assert (line["action"], line["actor"], line["subject"]) == (action, "issuer", "client:service")
    assert line["details"] == {"error": "invalid_request", "reason": reason, "address": "127.0.0.1"}
    assert "s-e-c-r-e-t" not in caplog.text


@pytest.mark.django_db
def test_a_device_authorization_request_is_logged_without_its_codes(client, apis, caplog):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    make_client("tv", "urn:ietf:params:oauth:grant-type:device_code", public=True)
    body = post(client, "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()
    [line] = lines(caplog)
    assert (line["action"], line["actor"], line["subject"]) == ("device.begun", "client:tv", "device")
    assert line["details"] == {"aud": API, "scope": "notes:read"}
    assert body["device_code"] not in caplog.text
    assert body["user_code"] not in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("is_asked", [True, False])
def test_an_issued_code_is_logged_without_the_code(client, user, webapp, signer, caplog, is_asked):
    Client.objects.update(skip_authorization=not is_asked)
    log_in(client, user)
    caplog.set_level(logging.INFO, logger="tokens.audit")
    caplog.clear()
    code = parameters(allow(client, authorization(webapp)))["code"]
    line = lines(caplog)[-1]
    assert [entry["action"] for entry in lines(caplog)] == [*(["consent.given"] if is_asked else []), "code.issued"]
    assert (line["actor"], line["subject"]) == ("user:ada", "client:webapp")
    assert line["details"] == {"aud": API, "scope": "openid notes:read", "address": "127.0.0.1"}
    assert code not in caplog.text


@pytest.mark.parametrize("how", ["a field", "the header", "an assertion"])
def test_a_secret_that_is_sent_as_a_name_is_not_logged(client, service, caplog, how):
    secret = service.plain
    claims = base64.urlsafe_b64encode(json.dumps({"iss": secret}).encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    named = {"client_id": secret, "client_secret": "service"} if how == "a field" else {}
    named |= (
        {"client_assertion": f"e30.{claims}.x", "client_assertion_type": ASSERTION} if how == "an assertion" else {}
    )
    caplog.set_level("INFO")
    answer = post(client, "/oauth/token", form | named, **(basic(secret, "service") if how == "the header" else {}))
    assert answer.status_code in {400, 401}
    assert f"client:{secret[:4]}…" in json.loads(caplog.messages[0])["subject"]
    assert secret not in caplog.text
