"""RFC 7009: the clients that may revoke a token (2.1), the answers (2.2, 2.2.1), and the effect of a revocation."""

import pytest

from tests.tokens.factories import basic, post, redeem
from tests.tokens.rfc import (
    INVALID_BASIC,
    INVALID_CLIENT,
    Answer,
    answer,
    confidential,
    missing,
    refusal,
    repeated,
    without_blanks,
)
from tokens.keys import publication
from tokens.keys.errors import NotReady

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

PATH = "/oauth/revoke"
SCOPE = "openid notes:read offline_access"
DONE = Answer(200, {"Cache-Control": "no-store", "Pragma": "no-cache"}, "")  # oidc-client-ts refuses text/html
NOT_ITS_OWN = refusal("invalid_grant", "The token was issued to another client.")
IN_ONE_WAY = refusal("invalid_request", "Authenticate the client in one way: by the header or in the body.")
KINDS = ("access_token", "refresh_token")


@pytest.fixture
def desk(apis):
    return confidential("desk", "authorization_code", "refresh_token")


@pytest.fixture
def tokens(client, desk, code):
    return redeem(client, desk, code(desk, scope=SCOPE)).json()


def are_active(browser, desk, tokens):
    answers = [post(browser, "/oauth/introspect", {"token": tokens[kind]}, **by(desk)) for kind in KINDS]
    return tuple(response.json()["active"] for response in answers)


def by(client):
    return basic(client.client_id, client.plain)


# What is sent, what is answered, and whether access and refresh token are active after it.
OWN = {
    "2.1: an access token": (lambda t: {"token": t["access_token"]}, DONE, (False, True)),
    "2.1: a refresh token and all that came of it": (lambda t: {"token": t["refresh_token"]}, DONE, (False, False)),
    "2.1: with its hint": (
        lambda t: {"token": t["access_token"], "token_type_hint": "access_token"},
        DONE,
        (False, True),
    ),
    "2.1: with the wrong hint": (
        lambda t: {"token": t["refresh_token"], "token_type_hint": "access_token"},
        DONE,
        (False, False),
    ),
    "2.1: with an unknown hint": (lambda t: {"token": t["access_token"], "token_type_hint": "x"}, DONE, (False, True)),
    "2.1: with a parameter that is not known": (
        lambda t: {"token": t["access_token"], "more": "x"},
        DONE,
        (False, True),
    ),
    "2.2: a token that never was": (lambda t: {"token": "unknown"}, DONE, (True, True)),
    "2.2: a token that was changed": (lambda t: {"token": t["access_token"] + "x"}, DONE, (True, True)),
    "2.2: an ID token": (lambda t: {"token": t["id_token"]}, DONE, (True, True)),
    "2.2.1: no token": (lambda t: {"token_type_hint": "access_token"}, missing("token"), (True, True)),
    "2.2.1: an empty token": (lambda t: {"token": ""}, missing("token"), (True, True)),
    "2.2.1: two tokens": (lambda t: {"token": [t[kind] for kind in KINDS]}, repeated("token"), (True, True)),
}


@pytest.mark.parametrize("section", OWN)
def test_a_client_revokes_a_token(client, desk, tokens, section):
    form, expected, after = OWN[section]
    assert are_active(client, desk, tokens) == (True, True)
    assert answer(post(client, PATH, form(tokens), **by(desk))) == expected
    assert are_active(client, desk, tokens) == after


def test_a_second_revocation_is_no_error(client, desk, tokens):
    """RFC 7009 section 2.2: a request to revoke a token that is invalid already is answered 200."""
    for kind in (*KINDS, *KINDS):
        assert answer(post(client, PATH, {"token": tokens[kind]}, **by(desk))) == DONE


OTHERS = {
    "2.1: another client's access token": ("access_token", by, {}, NOT_ITS_OWN),
    "2.1: another client's refresh token": ("refresh_token", by, {}, NOT_ITS_OWN),
    "2.1: by a public client": ("access_token", lambda _: {}, {"client_id": "spa"}, NOT_ITS_OWN),
    "2.1: by a name alone": ("access_token", lambda _: {}, {"client_id": "desk"}, INVALID_CLIENT),
    "2.1: by nobody": ("access_token", lambda _: {}, {}, INVALID_CLIENT),
    "2.1: with a wrong secret": ("access_token", lambda _: basic("desk", "x"), {}, INVALID_BASIC),
    "2.1: in two ways": ("access_token", by, {"client_secret": "x"}, IN_ONE_WAY),
}


@pytest.mark.parametrize("section", OTHERS)
def test_another_client_cannot_revoke_a_token(client, desk, service, spa, tokens, section):
    kind, headers, form, expected = OTHERS[section]
    response = post(client, PATH, without_blanks({"token": tokens[kind]} | form), **headers(service))
    assert answer(response) == expected
    assert are_active(client, desk, tokens) == (True, True)


def test_a_public_client_revokes_its_token_by_its_client_id(client, spa, code):
    """A public client has no credentials, so it only names itself (RFC 7009 section 2.1)."""
    token = redeem(client, spa, code(spa)).json()["access_token"]
    assert answer(post(client, PATH, {"token": token, "client_id": "spa"})) == DONE


def test_get_revokes_no_token(client, desk, tokens):
    """RFC 7009 section 2: a revocation request uses POST."""
    expected = refusal("invalid_request", "Use POST.", status=405, headers={"Allow": "POST"})
    assert answer(client.get(PATH, {"token": tokens["access_token"]}, **by(desk))) == expected
    assert are_active(client, desk, tokens) == (True, True)


def test_a_revocation_during_an_outage_is_answered_503_with_retry_after(client, desk, tokens, monkeypatch):
    """RFC 7009 section 2.2.1: after 503 the client must assume that the token is valid."""

    def nothing(*_, **__):
        raise NotReady("no key", retry_after=7)

    with monkeypatch.context() as patch:
        patch.setattr(publication, "public_key", nothing)
        response = post(client, PATH, {"token": tokens["access_token"]}, **by(desk))
    expected = refusal("temporarily_unavailable", "The issuer cannot sign at the moment.", status=503)
    assert answer(response) == expected
    assert response["Retry-After"] == "7"
    assert are_active(client, desk, tokens) == (True, True)
