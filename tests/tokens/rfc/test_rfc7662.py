"""RFC 7662: the clients that may introspect (2.1, 4), the answer for an active token (2.2), and other answers."""

import jwt
import pytest

from tests.tokens.assertions import jwks, proof
from tests.tokens.factories import API, basic, post, redeem
from tests.tokens.rfc import (
    INVALID_BASIC,
    INVALID_CLIENT,
    ISSUER,
    JSON,
    Answer,
    answer,
    confidential,
    missing,
    refusal,
    repeated,
    without_blanks,
)
from tokens.models import Client, RefreshToken, RegistryVersion, Revocation, User, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

PATH = "/oauth/introspect"
SCOPE = "openid notes:read offline_access"
INACTIVE = Answer(200, JSON, {"active": False})


@pytest.fixture
def desk(apis):
    return confidential("desk", "authorization_code", "refresh_token")


@pytest.fixture
def notes(apis):
    """Return the client that introspects tokens for the notes API."""
    made = confidential("notes")
    apis[API].client = made
    apis[API].save()
    return made


@pytest.fixture
def tokens(client, desk, notes, code):
    return redeem(client, desk, code(desk, scope=SCOPE)).json()


@pytest.fixture
def active(tokens, user):
    """Return the expected answer for an active token of the user (RFC 7662 section 2.2)."""
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    stored = RefreshToken.objects.get()
    expected = {"active": True, "iss": ISSUER, "sub": str(user.sub), "client_id": "desk", "scope": SCOPE}
    grant = UserGrant.objects.get()
    of_access_token = {
        "scope": "notes:read",
        "token_type": "Bearer",
        "aud": API,
        "exp": claims["exp"],
        "iat": claims["iat"],
        "jti": claims["jti"],
        "grant_id": str(grant.pk),
        "auth_time": int(grant.auth_time.timestamp()),
        "acr": "urn:keyturn:acr:password",
        "amr": ["pwd"],
    }
    of_refresh_token = {
        "iat": int(stored.created_at.timestamp()),
        "exp": int(stored.expires_at.timestamp()),
    }
    return {
        "access_token": Answer(200, JSON, expected | of_access_token),
        "refresh_token": Answer(200, JSON, expected | of_refresh_token),
        None: INACTIVE,
    }


def by(client):
    return basic(client.client_id, client.plain)


# Who asks, about which token, and of which token the answer is; None where nothing is told.
INTROSPECTED = {
    "2.2: its client, an access token": ("desk", lambda t: t["access_token"], "access_token"),
    "2.2: its client, a refresh token": ("desk", lambda t: t["refresh_token"], "refresh_token"),
    "2.2: its API": ("notes", lambda t: t["access_token"], "access_token"),
    "4: its API, a refresh token": ("notes", lambda t: t["refresh_token"], None),
    "4: another client": ("service", lambda t: t["access_token"], None),
    "4: another client, a refresh token": ("service", lambda t: t["refresh_token"], None),
    "2.2: a token that never was": ("desk", lambda t: "unknown", None),
    "2.2: a token that was changed": ("desk", lambda t: t["access_token"][:-8] + "AAAAAAAA", None),
    "2.2: an ID token": ("desk", lambda t: t["id_token"], None),
}


@pytest.mark.parametrize("section", INTROSPECTED)
def test_a_token_is_active_for_its_client_and_its_api_only(client, desk, notes, service, tokens, active, section):
    name, choose, kind = INTROSPECTED[section]
    asking = {"desk": desk, "notes": notes, "service": service}[name]
    assert answer(post(client, PATH, {"token": choose(tokens)}, **by(asking))) == active[kind]


HINTS = {
    "2.1: the right hint": "access_token",
    "2.1: the wrong hint": "refresh_token",
    "2.1: an unknown hint": "x",
    "2.1: an empty hint": "",
}


@pytest.mark.parametrize("section", HINTS)
def test_a_wrong_token_type_hint_does_not_matter(client, desk, tokens, active, section):
    form = {"token": tokens["access_token"], "token_type_hint": HINTS[section]}
    assert answer(post(client, PATH, form, **by(desk))) == active["access_token"]


def revoke(browser, desk, tokens):
    post(browser, "/oauth/revoke", {"token": tokens["refresh_token"]}, **by(desk))


def disable_user(browser, desk, tokens):
    user = User.objects.get()
    user.is_active = False
    user.save()


def expire(browser, desk, tokens):
    RefreshToken.objects.update(expires_at=RefreshToken.objects.get().created_at)


INVALIDATED = {
    "2.2: revoked": (revoke, (None, None)),
    "2.2: its user was disabled": (disable_user, (None, None)),
    "2.2: the refresh token has expired": (expire, ("access_token", None)),
}


@pytest.mark.parametrize("section", INVALIDATED)
def test_an_expired_or_revoked_token_or_one_of_a_disabled_user_is_not_active(client, desk, tokens, active, section):
    end, expected = INVALIDATED[section]
    end(client, desk, tokens)
    for kind, left in zip(("access_token", "refresh_token"), expected, strict=True):
        assert answer(post(client, PATH, {"token": tokens[kind]}, **by(desk))) == active[left]


def test_a_token_of_a_client_without_a_user_is_active(client, service):
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    own = post(client, "/oauth/token", form, **by(service)).json()["access_token"]
    assert post(client, PATH, {"token": own}, **by(service)).json()["active"] is True


BEHIND_THE_MODELS = {
    "2.2: its user was disabled": lambda: User.objects.update(is_active=False),
    "2.2: its client was disabled": lambda: Client.objects.filter(client_id="desk").update(is_active=False),
    "2.2: the registry has no version": lambda: RegistryVersion.objects.all().delete(),
}


@pytest.mark.parametrize("section", BEHIND_THE_MODELS)
def test_a_token_is_inactive_after_a_change_by_sql(client, notes, tokens, active, section):
    assert answer(post(client, PATH, {"token": tokens["access_token"]}, **by(notes))) == active["access_token"]
    BEHIND_THE_MODELS[section]()
    assert Revocation.objects.count() == 0
    assert answer(post(client, PATH, {"token": tokens["access_token"]}, **by(notes))) == INACTIVE


def test_an_introspection_takes_one_statement(client, desk, notes, tokens, django_assert_num_queries):
    for asking, kind in [(notes, "access_token"), (desk, "access_token"), (desk, "refresh_token")]:
        ask = {"token": tokens[kind]}
        assert post(client, PATH, ask, **by(asking)).json()["active"]
        with django_assert_num_queries(1):
            post(client, PATH, ask, **by(asking))


REFUSED = {
    "2.1: no token": ({"token": None, "token_type_hint": "access_token"}, by, missing("token")),
    "2.1: two tokens": ({"token": ["a", "b"]}, by, repeated("token")),
    "2.3: nobody": ({}, lambda _: {}, INVALID_CLIENT),
    "2.3: a wrong secret": ({}, lambda _: basic("desk", "x"), INVALID_BASIC),
    "2.3: an unknown client": ({}, lambda desk: basic("nobody", desk.plain), INVALID_BASIC),
    "2.3: a bearer token": ({}, lambda _: {"HTTP_AUTHORIZATION": "Bearer x"}, INVALID_BASIC),
    "4: a public client": ({"client_id": "spa"}, lambda _: {}, INVALID_CLIENT),
    "2.1: another content type": (
        {},
        lambda desk: by(desk) | {"CONTENT_TYPE": "text/plain"},
        refusal("invalid_request", "Send the parameters as application/x-www-form-urlencoded.", status=415),
    ),
}


@pytest.mark.parametrize("section", REFUSED)
def test_a_malformed_introspection_request_is_refused(client, desk, spa, tokens, section):
    changes, headers, expected = REFUSED[section]
    form = without_blanks({"token": tokens["access_token"]} | changes)
    assert answer(post(client, PATH, form, **headers(desk))) == expected


def test_introspection_by_get_is_refused(client, desk, tokens):
    """RFC 7662 section 2.1: a token in a query string would be logged."""
    expected = refusal("invalid_request", "Use POST.", status=405, headers={"Allow": "POST"})
    assert answer(client.get(PATH, {"token": tokens["access_token"]}, **by(desk))) == expected


def test_an_api_authenticates_by_its_key(client, notes, tokens, active):
    """The API's client sends an assertion that its private key signs (RFC 7662 section 2.1)."""
    Client.objects.filter(pk=notes.pk).update(token_endpoint_auth_method="private_key_jwt", client_jwks=jwks())
    form = {"token": tokens["access_token"]}
    assert answer(post(client, PATH, form | proof("notes"))) == active["access_token"]
    assert answer(post(client, PATH, form | proof("notes", name="stranger"))) == INVALID_CLIENT
