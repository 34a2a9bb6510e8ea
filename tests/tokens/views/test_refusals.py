"""A view that answers in JSON also answers each error of the core modules in JSON.

The answer is a refusal, or a 503 if no key can sign at the moment.
"""

import json
from unittest.mock import patch

import pytest

from tokens.keys.errors import NotReady

pytestmark = pytest.mark.usefixtures("signer")


def userinfo(client):
    return client.get("/oauth/userinfo", HTTP_AUTHORIZATION="Bearer a.b.c")


def register(client):
    body = {"redirect_uris": ["https://app.example/callback"], "token_endpoint_auth_method": "none"}
    return client.post("/oauth/register", json.dumps(body), "application/json")


@pytest.fixture(autouse=True)
def open_registration(settings):
    settings.ISSUER = settings.ISSUER | {"DYNAMIC_REGISTRATION": "open", "RATE_LIMITS": {"register": (1000, 60)}}


@pytest.mark.parametrize("ask", [userinfo, register])
def test_an_issuer_that_is_not_ready_answers_503_in_json_and_says_when_to_retry(client, ask):
    with patch("tokens.keys.keyring.clock", side_effect=NotReady("this node's clock is off", retry_after=7)):
        answer = ask(client)
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "7", "no-store")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert "clock" not in answer.content.decode(), "the reason is for the log"


@pytest.mark.parametrize(("ask", "status", "error"), [(userinfo, 401, "invalid_token"), (register, 404, "not_found")])
def test_a_refusal_is_answered_in_json_and_logged(client, settings, caplog, ask, status, error):
    settings.ISSUER = settings.ISSUER | {"DYNAMIC_REGISTRATION": "off"}
    caplog.set_level("INFO", logger="tokens.audit")
    answer = ask(client)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    [line] = [json.loads(message) for message in caplog.messages if message.startswith("{")]
    assert line["details"]["error"] == error
