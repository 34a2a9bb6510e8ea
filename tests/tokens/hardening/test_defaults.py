"""Without any configuration, the issuer refuses what RFC 9700 forbids."""

import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from resources.testing import bearer, mint, pinned
from tests.tokens.factories import CALLBACK, authorization, log_in, make_client, parameters, post, redeem
from tests.tokens.hardening.forms import DEVICE

ISSUER = "http://localhost:8000"
HTTP = "http://client.example/callback"
PASSWORD = {"grant_type": "password", "username": "ada", "password": "correct horse", "client_id": "own"}


@pytest.fixture
def own(apis):
    """Return a client that may use every grant type, and whose users are not asked for consent."""
    grants = ("authorization_code", "refresh_token", "implicit", "password")
    return make_client("own", *grants, public=True, skip_authorization=True)


@pytest.fixture
def authorize(client, user, own):
    """Return a function that sends an authorization request of a logged-in user, and returns the answer."""
    log_in(client, user)
    return lambda **changes: client.get("/oauth/authorize", authorization(own, **changes))


METHODS = pytest.mark.parametrize("method", [None, "plain"], ids=["plain by default", "plain"])


@METHODS
def test_a_plain_challenge_is_refused_and_every_answer_names_the_issuer(authorize, method):
    refused = parameters(authorize(code_challenge_method=method))
    assert (refused["error"], refused["iss"]) == ("invalid_request", ISSUER)
    assert parameters(authorize())["iss"] == ISSUER


@pytest.mark.parametrize("kind", ["token", "id_token", "id_token token", "code token", "code id_token"])
def test_implicit_and_hybrid_are_unsupported(authorize, kind):
    refused = authorize(response_type=kind)
    assert "token=" not in refused["Location"]
    assert (parameters(refused)["error"], parameters(refused)["iss"]) == ("unsupported_response_type", ISSUER)


def test_no_response_goes_to_an_http_redirect_uri(own, authorize):
    own.redirect_uris = HTTP
    own.save()
    answer = authorize(redirect_uri=HTTP)
    assert (answer.status_code, answer.get("Location")) == (400, None)


def test_the_password_grant_is_unsupported(client, own, user, signer):
    answer = post(client, "/oauth/token", PASSWORD | {"scope": "notes:read"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_a_token_is_valid_for_ten_minutes(client, own, authorize, decode, signer):
    answer = redeem(client, own, parameters(authorize())["code"]).json()
    for token, audience in ((answer["access_token"], "https://api.example/"), (answer["id_token"], "own")):
        claims = decode(token, audience)[1]
        assert claims["exp"] - claims["iat"] == 600
    assert answer["expires_in"] == 600


def test_userinfo_reads_no_token_from_the_query_string(client, own, authorize, signer):
    token = redeem(client, own, parameters(authorize(scope="openid"))["code"]).json()["access_token"]
    assert client.get("/oauth/userinfo", headers=bearer(token)).status_code == 200
    for headers in ({}, bearer(token)):
        answer = client.get("/oauth/userinfo", {"access_token": token}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_the_api_reads_no_token_from_the_query_string(client):
    token = mint("notes:read")
    with pinned():
        assert client.get("/api/whoami/", headers=bearer(token)).status_code == 200
        assert client.get("/api/whoami/", {"access_token": token}).status_code == 401
        assert client.get("/api/whoami/", {"access_token": token}, headers=bearer(token)).status_code == 400


# credentials at rest


def readable(value):
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def tables_that_hold(text):
    """Return the database tables in which a row contains `text`."""
    places = (
        {"what sessions say"} if any(text in str(session.get_decoded()) for session in Session.objects.all()) else set()
    )
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            if any(text in readable(value) for row in cursor.fetchall() for value in row):
                places.add(table)
    return places


def test_no_column_of_any_table_holds_a_credential(client, own, authorize, service, signer):
    tv = make_client("tv", DEVICE, public=True)
    begun = post(client, "/oauth/device", {"client_id": tv.client_id, "scope": "notes:read"}).json()
    code = parameters(authorize(scope="openid notes:read offline_access"))["code"]
    waiting = {"code": code, "device_code": begun["device_code"], "user_code": begun["user_code"]}
    assert [name for name, text in waiting.items() if tables_that_hold(text)] == []
    given = redeem(client, own, code).json()
    form = {"grant_type": "refresh_token", "client_id": "own"}
    again = post(client, "/oauth/token", form | {"refresh_token": given["refresh_token"]}).json()
    for body in (given, again):
        secrets = {name: body[name] for name in ("access_token", "refresh_token", "id_token")}
        secrets |= {"client_secret": service.plain}
        assert [name for name, text in secrets.items() if tables_that_hold(text)] == []
    assert tables_that_hold(CALLBACK), "what is no secret is found"
