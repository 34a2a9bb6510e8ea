"""Authentication of a request by its token: the accepted tokens, and the complete answers to refused ones."""

import logging

import pytest
from django.test import Client, override_settings

from resources import authentication
from resources.testing import bad_tokens, bearer, jwks, mint, pinned, shared_key
from tests.resources.loopback import Loopback

METADATA = 'resource_metadata="http://localhost:8001/.well-known/oauth-protected-resource"'
OFFER = 'DPoP algs="ES256 EdDSA Ed25519"'
BARE = f'Bearer realm="api", {METADATA}, {OFFER}'


def refused(description: str) -> str:
    return f'Bearer realm="api", error="invalid_token", error_description="{description}", {METADATA}, {OFFER}'


def test_a_good_token_is_accepted_and_whoami_returns_its_claims(client: Client) -> None:
    with pinned():
        answer = client.get("/api/whoami/", headers=bearer(mint("notes:read notes:write", sub="alice", exp=4102444800)))
    body = answer.json()
    claims = body.pop("claims")
    assert answer.status_code == 200
    assert body == {
        "iss": "http://localhost:8000",
        "sub": "alice",
        "client_id": "test-client",
        "scopes": ["notes:read", "notes:write"],
        "kid": shared_key().kid,
        "expires_at": "2100-01-01T00:00:00Z",
        "is_service": False,
    }
    assert claims["sub"] == "alice"


def test_a_service_acts_in_its_own_name(client: Client) -> None:
    with pinned():
        answer = client.get("/api/whoami/", headers=bearer(mint(sub="robot", client_id="robot")))
    assert answer.json()["is_service"] is True


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Negotiate a.b.c"}])
def test_without_a_bearer_token_the_challenge_has_no_error(client: Client, headers: dict[str, str]) -> None:
    answer = client.get("/api/whoami/", headers=headers)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, BARE)
    assert answer.json() == {"detail": "Authentication credentials were not provided."}


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("expired", "The token has expired"),
        ("not yet valid", "The token is not valid yet"),
        ("wrong audience", "The token is not meant for this API"),
        ("wrong issuer", "The token's issuer is not trusted"),
        ("unknown kid", "The token's key is not published by its issuer"),
        ("another's key under our kid", "The token's signature is not valid"),
        ("tampered payload", "The token's signature is not valid"),
        ("tampered signature", "The token's signature is not valid"),
        ("no signature", "The token is malformed"),
        ("HS256 keyed with the public key", "The token's algorithm is not accepted"),
        ("ID token", "The token is not an access token"),
        ("no subject", "A claim of the token is missing or malformed"),
        ("no expiry", "A claim of the token is missing or malformed"),
        ("bound to a key", "The token is bound to a key, and needs a proof that this request does not have"),
    ],
)
def test_a_bad_token_is_refused_with_a_fixed_description(client: Client, name: str, description: str) -> None:
    assert name in bad_tokens()
    with pinned():
        answer = client.get("/api/whoami/", headers=bearer(bad_tokens()[name]))
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, refused(description))
    assert answer.json() == {"error": "invalid_token", "detail": description}


def test_a_token_in_header_and_query_is_a_bad_request(client: Client) -> None:
    for query in ("access_token=x", "access%5Ftoken=x", "a=b&access_token="):
        with pinned():
            answer = client.get(f"/api/whoami/?{query}", headers=bearer(mint()))
        assert answer.status_code == 400
        assert answer["WWW-Authenticate"] == (
            'Bearer realm="api", error="invalid_request", '
            f'error_description="Send one bearer token, in the Authorization header only", {METADATA}'
        )


def test_a_token_in_the_query_or_the_body_is_never_accepted(client: Client) -> None:
    with pinned():
        in_query = client.get(f"/api/whoami/?access_token={mint()}")
        in_body = client.post("/api/notes/", {"access_token": mint("notes:write")})
    assert (in_query.status_code, in_query["WWW-Authenticate"]) == (401, BARE)
    needed = BARE.replace(METADATA, f'scope="notes:write", {METADATA}')
    assert (in_body.status_code, in_body["WWW-Authenticate"]) == (401, needed)


def test_the_reason_is_logged_and_the_token_is_not(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    token = mint(sub="somebody-secret", aud="https://other.example")
    with pinned(), caplog.at_level(logging.DEBUG):
        client.get("/api/whoami/", headers=bearer(token))
    assert "Token refused: AUDIENCE aud" in caplog.messages
    assert not any(part in caplog.text for part in (*token.split("."), "somebody-secret", "other.example"))


def test_with_an_issuer_that_is_down_every_answer_is_503_with_retry_after(client: Client, issuer: Loopback) -> None:
    issuer.stop()
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": ["http://localhost:8001/"]}):
        answers = [client.get("/api/whoami/", headers=bearer(mint())) for _ in range(3)]
    for answer in answers:
        assert (answer.status_code, answer["Retry-After"]) == (503, "1")
        assert answer.json() == {
            "error": "temporarily_unavailable",
            "detail": "Tokens cannot be verified at the moment",
        }
        assert "WWW-Authenticate" not in answer


def test_after_the_issuer_stops_a_token_with_a_known_kid_is_still_accepted(client: Client, issuer: Loopback) -> None:
    issuer.publish(jwks())
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": ["http://localhost:8001/"]}):
        first = client.get("/api/whoami/", headers=bearer(mint()))
        issuer.stop()
        second = client.get("/api/whoami/", headers=bearer(mint()))
        unknown = client.get("/api/whoami/", headers=bearer(bad_tokens()["unknown kid"]))
    assert (first.status_code, second.status_code) == (200, 200)
    assert unknown.status_code == 401  # a successful fetch, seconds ago, lacked it
    assert issuer.fetches() == 1


@pytest.mark.parametrize("method", ["post", "put", "patch"])
@pytest.mark.parametrize(
    "lost",
    [
        {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_LENGTH": "", "SERVER_PROTOCOL": "HTTP/2"},
    ],
)
def test_a_body_of_unknown_length_is_411_under_any_server(client, method, lost):
    """A request with a body but without Content-Length gets 411 (RFC 9110 section 15.5.12).

    Otherwise, Django would treat the body as empty, and answer 200 without a change of the note.
    """
    answer = getattr(client, method)("/api/notes/1/", "{}", "application/json", **lost)
    assert (answer.status_code, answer.json()) == (411, {"detail": "Send the length of the body as Content-Length"})


def test_a_token_of_the_type_jwt_is_accepted_only_with_the_dangerous_setting(client: Client) -> None:
    token = mint(header={"typ": "JWT"})
    with pinned():
        refused = client.get("/api/whoami/", headers=bearer(token))
    assert (refused.status_code, refused.json()["detail"]) == (401, "The token is not an access token")
    with pinned(DANGEROUSLY_ACCEPT_TYP_JWT=True):
        assert client.get("/api/whoami/", headers=bearer(token)).status_code == 200
        assert client.get("/api/whoami/", headers=bearer(mint())).status_code == 200
        id_token = mint(header={"typ": "JWT"}, at_hash="x")
        assert client.get("/api/whoami/", headers=bearer(id_token)).status_code == 401


def test_a_change_of_the_settings_empties_the_memory_of_tokens_and_another_setting_does_not(client: Client) -> None:
    with pinned():
        assert client.get("/api/whoami/", headers=bearer(mint())).status_code == 200
        with override_settings(APPEND_SLASH=True):
            assert len(authentication.memory) == 1
    assert len(authentication.memory) == 0
