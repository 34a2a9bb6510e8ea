"""RFC 6749 at the token endpoint: client authentication (2.3), requests (3.2, 3.3), grants (4.1.3, 6), errors (5.2)."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.factories import CALLBACK, basic, post, redeem
from tests.tokens.rfc import (
    INVALID_BASIC,
    INVALID_CLIENT,
    NOT_ITS_GRANT,
    answer,
    confidential,
    granted,
    missing,
    refusal,
    repeated,
    unknown_scope,
    without_blanks,
)
from tokens.issued import one_time
from tokens.models import AuthorizationCode, Client, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

TOKEN_REQUEST = {"grant_type": "client_credentials", "scope": "notes:read"}
UNKNOWN_GRANT = refusal("unsupported_grant_type", "This issuer does not know the grant type.")

REQUESTS = {
    "3.2: each parameter once": ({}, granted()),
    "3.2: a parameter twice": ({"scope": ["notes:read", "notes:read"]}, repeated("scope")),
    "3.2: what is not known is ignored": ({"more": "x"}, granted()),
    "3.2: what is not known is ignored twice": ({"more": ["x", "y"]}, granted()),
    "3.2: no value is no parameter": ({"resource": ""}, granted()),
    "3.2: no value where one is needed": ({"grant_type": ""}, missing("grant_type")),
    "3.3: several scopes": ({"scope": "notes:write notes:read"}, granted("notes:write notes:read")),
    "3.3: several scopes, one of them unknown": ({"scope": "notes:read nothing"}, unknown_scope("nothing")),
    "3.3: the same scope twice is one": ({"scope": "notes:read notes:read"}, granted()),
    "3.3: upper and lower case differ": ({"scope": "Notes:read"}, unknown_scope("Notes:read")),
    "3.3: no scope: those of the client": ({"scope": None}, granted("notes:read notes:write")),
    "5.2 invalid_request: no grant type": ({"grant_type": None}, missing("grant_type")),
    "5.2 invalid_request: a control character": (
        {"scope": "notes:read\n"},
        refusal("invalid_request", "The scope parameter holds a control character."),
    ),
    "5.2 invalid_scope: another client's": ({"scope": "other:read"}, unknown_scope("other:read")),
    "5.2 unauthorized_client: not its grant": ({"grant_type": "authorization_code"}, NOT_ITS_GRANT),
    "5.2 unsupported_grant_type: passwords (4.3)": ({"grant_type": "password"}, UNKNOWN_GRANT),
    "5.2 unsupported_grant_type: upper case": ({"grant_type": "CLIENT_CREDENTIALS"}, UNKNOWN_GRANT),
}


@pytest.mark.parametrize("section", REQUESTS)
def test_a_token_request_is_answered_by_the_table(client, service, section):
    changes, expected = REQUESTS[section]
    response = post(client, "/oauth/token", without_blanks(TOKEN_REQUEST | changes), **basic("service", service.plain))
    assert answer(response) == expected


FORM = "application/x-www-form-urlencoded"
TRANSPORT = {
    "3.2: a form that is posted": (lambda browser, to, **who: post(browser, to, TOKEN_REQUEST, **who), granted()),
    "B: a form that names its charset": (
        lambda browser, to, **who: post(browser, to, TOKEN_REQUEST, CONTENT_TYPE=f"{FORM}; charset=UTF-8", **who),
        granted(),
    ),
    "3.2: GET": (
        lambda browser, to, **who: browser.get(to, TOKEN_REQUEST, **who),
        refusal("invalid_request", "Use POST.", status=405, headers={"Allow": "POST"}),
    ),
    "3.2: a JSON body": (
        lambda browser, to, **who: browser.post(to, TOKEN_REQUEST, content_type="application/json", **who),
        refusal("invalid_request", f"Send the parameters as {FORM}.", status=415),
    ),
    "3.2: parameters in the address": (
        lambda browser, to, **who: post(browser, f"{to}?scope=notes:read", TOKEN_REQUEST, **who),
        refusal("invalid_request", "Send the parameters in the body, not in the URL."),
    ),
}


@pytest.mark.parametrize("section", TRANSPORT)
def test_the_form_of_a_token_request_is_checked(client, service, section):
    send, expected = TRANSPORT[section]
    assert answer(send(client, "/oauth/token", **basic("service", service.plain))) == expected


def header(scheme, credentials):
    return {"HTTP_AUTHORIZATION": f"{scheme} {base64.b64encode(credentials.encode()).decode()}"}


IN_ONE_WAY = refusal("invalid_request", "Authenticate the client in one way: by the header or in the body.")
TWO_CLIENTS = refusal("invalid_request", "The header and the body name different clients.")

PROOFS = {
    "2.3.1: Basic": (lambda secret: ({}, basic("service", secret)), granted()),
    "2.3.1: Basic, form-encoded": (lambda secret: ({}, basic("%73ervice", secret)), granted()),
    "2.3.1: Basic, a wrong secret": (lambda secret: ({}, basic("service", f"{secret}x")), INVALID_BASIC),
    "2.3.1: Basic, an empty secret": (lambda secret: ({}, basic("service", "")), INVALID_BASIC),
    "2.3.1: in the body": (lambda secret: ({"client_id": "service", "client_secret": secret}, {}), granted()),
    "2.3.1: in the body, wrong": (lambda secret: ({"client_id": "service", "client_secret": "x"}, {}), INVALID_CLIENT),
    "2.3.1: in the body, without a name": (lambda secret: ({"client_secret": secret}, {}), INVALID_CLIENT),
    "2.3: one name in both places": (lambda secret: ({"client_id": "service"}, basic("service", secret)), granted()),
    "2.3: two names": (lambda secret: ({"client_id": "webapp"}, basic("service", secret)), TWO_CLIENTS),
    "2.3: a secret in both places": (lambda secret: ({"client_secret": secret}, basic("service", secret)), IN_ONE_WAY),
    "3.2.1: its name alone": (lambda secret: ({"client_id": "service"}, {}), INVALID_CLIENT),
    "5.2 invalid_client: nothing": (lambda secret: ({}, {}), INVALID_CLIENT),
    "5.2 invalid_client: unknown": (lambda secret: ({}, basic("nobody", secret)), INVALID_BASIC),
    "5.2 invalid_client: another scheme": (lambda secret: ({}, header("Bearer", f"service:{secret}")), INVALID_BASIC),
    "5.2 invalid_client: garbage": (lambda secret: ({}, {"HTTP_AUTHORIZATION": "Basic !"}), INVALID_BASIC),
}


@pytest.mark.parametrize("section", PROOFS)
def test_a_client_authentication_is_answered_by_the_table(client, service, section):
    shown, expected = PROOFS[section]
    form, headers = shown(service.plain)
    assert answer(post(client, "/oauth/token", TOKEN_REQUEST | form, **headers)) == expected


BAD_CODE = refusal("invalid_grant", "The authorization code is unknown, expired, or another client's.")
OTHER_URI = refusal("invalid_grant", "The redirect URI is not that of the authorization request.")
TOKENS = granted("openid notes:read", id_token=True)

CODES = {
    "4.1.3: as it was sent": ({}, TOKENS),
    "4.1.3: no code": ({"code": None}, missing("code")),
    "4.1.3: an unknown code": ({"code": "unknown"}, BAD_CODE),
    "4.1.3: without the redirect URI of the request": ({"redirect_uri": None}, missing("redirect_uri")),
    "4.1.3: another redirect URI": ({"redirect_uri": f"{CALLBACK}/"}, OTHER_URI),
    "4.1.3: of another client": ({"client_id": "spa", "client_secret": None}, BAD_CODE),
    "3.2.1: a confidential client proves itself": ({"client_secret": None}, INVALID_CLIENT),
}


def tokens(response):
    """Return the token response in the form of tables. The body has True in place of an ID token or refresh token."""
    answered = answer(response)
    kinds = ("id_token", "refresh_token")
    return answered._replace(body={name: True if name in kinds else value for name, value in answered.body.items()})


@pytest.mark.parametrize("section", CODES)
def test_a_code_is_redeemed_by_the_table(client, webapp, spa, code, section):
    changes, expected = CODES[section]
    assert tokens(redeem(client, webapp, code(webapp), **changes)) == expected


UNNAMED = {
    "4.1.3: named by neither": (None, granted()),
    "4.1.3: named now, as it is registered": (CALLBACK, granted()),
    "4.1.3: another one named now": (f"{CALLBACK}/", OTHER_URI),
}


@pytest.mark.parametrize("section", UNNAMED)
def test_a_redirect_uri_may_be_omitted_if_the_request_omitted_it(client, webapp, code, section):
    named, expected = UNNAMED[section]
    issued = code(webapp, redirect_uri=None, scope="notes:read")
    assert answer(redeem(client, webapp, issued, redirect_uri=named)) == expected


USED = refusal("invalid_grant", "The authorization code was used before.")


def test_a_code_is_redeemed_once_and_its_reuse_revokes_the_grant(client, webapp, code):
    """RFC 6749 section 4.1.2: every reuse is refused. A reuse after the retry window revokes the tokens as well."""
    issued = code(webapp)
    assert tokens(redeem(client, webapp, issued)) == TOKENS
    assert answer(redeem(client, webapp, issued)) == USED
    assert UserGrant.objects.get().revoked_at is None
    AuthorizationCode.objects.update(redeemed_at=timezone.now() - one_time.RETRY_WINDOW - timedelta(seconds=1))
    assert answer(redeem(client, webapp, issued)) == USED
    assert UserGrant.objects.get().revoked_at is not None


def test_an_expired_code_is_refused(client, webapp, code):
    """An authorization code has a short lifetime, and is refused after it (RFC 6749 section 4.1.2)."""
    issued = code(webapp)
    kept = AuthorizationCode.objects.get()
    AuthorizationCode.objects.update(expires_at=kept.grant.created_at)
    assert answer(redeem(client, webapp, issued)) == BAD_CODE


STAYS = "openid notes:read offline_access"
BAD_REFRESH = refusal("invalid_grant", "The refresh token is unknown, expired, or another client's.")
NOT_ALLOWED = "The scope notes:write was not allowed by the user, or this client may not request it."
TOO_MUCH = refusal("invalid_scope", NOT_ALLOWED)

REFRESHES = {
    "6: the same scopes": ({}, granted(STAYS, id_token=True)),
    "6: fewer scopes": ({"scope": "notes:read"}, granted()),
    "6: more scopes": ({"scope": "notes:read notes:write"}, TOO_MUCH),
    "6: no token": ({"refresh_token": None}, missing("refresh_token")),
    "6: an unknown token": ({"refresh_token": "unknown"}, BAD_REFRESH),
}


def refresh(browser, by, token, **changes):
    form = {"grant_type": "refresh_token", "refresh_token": token} | changes
    return post(browser, "/oauth/token", without_blanks(form), **basic(by.client_id, by.plain))


@pytest.fixture
def desk(apis):
    return confidential("desk", "authorization_code", "refresh_token")


@pytest.mark.parametrize("section", REFRESHES)
def test_a_refresh_request_is_answered_by_the_table(client, desk, code, section):
    changes, expected = REFRESHES[section]
    token = redeem(client, desk, code(desk, scope=STAYS)).json()["refresh_token"]
    assert tokens(refresh(client, desk, token, **changes)) == expected


def test_a_refresh_by_another_client_is_refused(client, desk, service, code):
    """RFC 6749 section 6: the refresh token is bound to the client to which it was issued."""
    Client.objects.filter(pk=service.pk).update(grants=["refresh_token"])
    token = redeem(client, desk, code(desk, scope=STAYS)).json()["refresh_token"]
    assert answer(refresh(client, service, token)) == BAD_REFRESH
