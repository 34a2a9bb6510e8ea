"""The JSON answers of endpoints while no key may sign, or the time cannot be trusted."""

from unittest.mock import patch

import pytest

from tests.tokens.factories import basic, post
from tokens.keys.errors import NotReady
from tokens.revoking import feed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

COMMON = {
    "Cache-Control": "no-store",
    "Content-Type": "application/json",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Pragma": "no-cache",
    "Referrer-Policy": "no-referrer",
    "Retry-After": "7",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PUBLIC = COMMON | {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "WWW-Authenticate, DPoP-Nonce, Retry-After, ETag",
}
OF_CLIENTS = COMMON | {"Vary": "Origin"}
SIGN = "The issuer cannot sign at the moment."
KEYS = "The keys are not available at the moment."
METADATA = "The metadata is not available at the moment."


def token(browser):
    return post(browser, "/oauth/token", {"grant_type": "client_credentials"}, **basic("app", "secret"))


def userinfo(browser):
    return browser.get("/oauth/userinfo", HTTP_AUTHORIZATION="Bearer a.b.c")


def jwks(browser):
    return browser.get("/.well-known/jwks.json")


def metadata(browser):
    return browser.get("/.well-known/oauth-authorization-server")


def revocations(browser):
    feed.documents.forget()
    return browser.get("/oauth/revocations")


@pytest.mark.parametrize(
    ("ask", "failing", "headers", "description"),
    [
        (token, "keys.keyring.clock", OF_CLIENTS, SIGN),
        (userinfo, "keys.keyring.clock", OF_CLIENTS, SIGN),
        (jwks, "keys.publication.jwks_and_age", PUBLIC, KEYS),
        (metadata, "metadata.catalog.registered", PUBLIC, METADATA),
        (revocations, "keys.keyring.for_readers", PUBLIC, SIGN),
        (revocations, "issued.jws.sign", PUBLIC, SIGN),
    ],
)
def test_each_json_endpoint_answers_the_same_503_and_only_the_log_gets_the_cause(
    client, ask, failing, headers, description
):
    with patch(f"tokens.{failing}", side_effect=NotReady("a reason for the log", retry_after=7)):
        answer = ask(client)
    sent = {name: value for name, value in answer.headers.items() if name not in ("X-Request-ID", "Content-Length")}
    body = f'{{"error": "temporarily_unavailable", "error_description": "{description}"}}'
    assert (answer.status_code, sent, answer.content.decode()) == (503, headers, body)
    assert answer.unavailable_because == "a reason for the log"
