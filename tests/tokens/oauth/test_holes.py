"""The toolkit's holes, each shown in the plain django-oauth-toolkit and shown closed here by the same assertion."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.test import RequestFactory, override_settings
from django.utils import timezone
from oauth2_provider.models import AccessToken, get_grant_model
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.views import AuthorizationView, TokenView
from oauthlib.common import Request
from oauthlib.openid import Server as OpenIDServer

from tests.tokens.conftest import (
    CALLBACK,
    CHALLENGE,
    VERIFIER,
    allow,
    authorization,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
)
from tokens.errors import InvalidClient
from tokens.models import AuthorizationCode
from tokens.oauth import client_secret
from tokens.oauth.backend import backend

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:.*RFC 9700.*:DeprecationWarning")]

FORM = "application/x-www-form-urlencoded"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def plain(test_signer):
    """The toolkit as it comes, with OpenID Connect on."""
    key = test_signer.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chosen = {
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": key.decode(),
        "OIDC_ISS_ENDPOINT": "http://localhost:8000",
        "SCOPES": {"openid": "OpenID", "notes:read": "Read"},
        "ALWAYS_RELOAD_OAUTHLIB_CORE": True,
    }
    with override_settings(OAUTH2_PROVIDER=chosen):
        yield OAuthLibCore(OpenIDServer(OAuth2Validator()))


def form(data):
    return RequestFactory().post("/", urlencode(data), content_type=FORM)


def plain_grant(client, user, **fields):
    """An authorization code in the toolkit's own table."""
    return get_grant_model().objects.create(
        user=user,
        application=client,
        code="plain-code",
        expires=timezone.now() + timedelta(minutes=1),
        redirect_uri=CALLBACK,
        scope="openid notes:read",
        code_challenge=CHALLENGE,
        code_challenge_method="S256",
        **fields,
    )


def plain_exchange(client, **extra):
    data = {
        "grant_type": "authorization_code",
        "code": "plain-code",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": client.client_id,
    }
    return TokenView.as_view()(form(data | extra))


def plain_page(user, query):
    request = RequestFactory().get("/authorize", query)
    request.user = user
    return AuthorizationView.as_view()(request)


# 1: any public client is taken for an authenticated one


def test_1_plain_a_public_client_authenticates_by_naming_the_device_grant(plain, spa):
    assert plain.authenticate_client(form({"client_id": "spa", "grant_type": DEVICE}))


def test_1_here_naming_a_grant_authenticates_nobody(webapp):
    request = form({"client_id": "webapp", "grant_type": DEVICE})
    assert not backend().authenticate_client(request)
    with pytest.raises(InvalidClient):
        backend().client(request, frozenset(), now=timezone.now())


# 2: what looks like a JWT is taken for an ID token


def test_2_plain_garbage_as_a_bearer_token_is_an_error_500(plain):
    with pytest.raises(Exception, match=r".+"):
        plain.verify_request(RequestFactory().get("/", HTTP_AUTHORIZATION="Bearer eyX.a.b"), scopes=[])


def test_2_plain_an_id_token_is_a_credential(plain, spa, user):
    type(spa).objects.update(algorithm="RS256")
    plain_grant(spa, user)
    token = json.loads(plain_exchange(spa).content)["id_token"]
    request = RequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert plain.verify_request(request, scopes=[])[0]


def test_2_here_no_token_opens_a_view_of_the_toolkit(client, webapp, code, signer):
    token = redeem(client, webapp, code(webapp)).json()["id_token"]
    for presented in (token, "eyX.a.b"):
        request = RequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {presented}")
        assert not backend().verify_request(request, scopes=[])[0]


# 3: a confidential client without a secret authenticates with none


def test_3_plain_a_blank_secret_is_a_secret(plain, webapp):
    assert plain.authenticate_client(form({"client_id": "webapp", "client_secret": ""}))


def test_3_here_a_blank_secret_is_none(webapp):
    webapp.secrets.all().delete()
    for secret in ("", " ", "webapp"):
        request = form({"client_id": "webapp", "client_secret": secret})
        with pytest.raises(InvalidClient):
            backend().client(request, frozenset(), now=timezone.now())


# 4: the request decides whether the user is asked


def test_4_plain_a_parameter_skips_the_consent_page(plain, webapp, user):
    expires = timezone.now() + timedelta(minutes=1)
    AccessToken.objects.create(user=user, application=webapp, token="t", expires=expires, scope="notes:read")
    query = authorization(webapp, scope="notes:read") | {"approval_prompt": "auto"}
    assert "code=" in plain_page(user, query)["Location"]


def test_4_here_the_user_is_asked_again(client, webapp, user, signer):
    log_in(client, user)
    allow(client, authorization(webapp))
    assert client.get("/oauth/authorize", authorization(webapp) | {"approval_prompt": "auto"}).status_code == 200


# 5: a nonce posted to the token endpoint lands in the ID token


def test_5_plain_the_token_request_names_the_nonce(plain, spa, user):
    type(spa).objects.update(algorithm="RS256")
    plain_grant(spa, user)
    token = json.loads(plain_exchange(spa, nonce="injected").content)["id_token"]
    assert jwt.decode(token, options={"verify_signature": False})["nonce"] == "injected"


def test_5_here_the_nonce_is_that_of_the_authorization_request(client, webapp, code, decode):
    body = redeem(client, webapp, code(webapp), nonce="injected").json()
    assert decode(body["id_token"], "webapp")[1]["nonce"] == "n-1"


# 6: a deactivated user


def test_6_plain_a_deactivated_user_gets_tokens(plain, spa, user):
    type(spa).objects.update(algorithm="RS256")
    plain_grant(spa, user)
    type(user).objects.update(is_active=False)
    assert plain_exchange(spa).status_code == 200


def test_6_here_a_deactivated_user_gets_none(client, webapp, code, user, signer):
    issued = code(webapp)
    type(user).objects.update(is_active=False)
    assert redeem(client, webapp, issued).status_code == 400


# 7: an unknown client answers faster than a wrong secret


def work(monkeypatch, target, name, attempt):
    done = []
    monkeypatch.setattr(target, name, lambda *args, **kwargs: done.append(args) or False)
    counts = []
    for client_id in ("webapp", "nobody"):
        attempt(form({"client_id": client_id, "client_secret": "wrong"}))
        counts.append(len(done))
        done.clear()
    return counts


def test_7_plain_an_unknown_client_costs_nothing(plain, webapp, monkeypatch):
    assert work(monkeypatch, OAuth2Validator, "_check_secret", plain.authenticate_client) == [1, 0]


def test_7_here_an_unknown_client_costs_the_same(webapp, monkeypatch):
    def attempt(request):
        with pytest.raises(InvalidClient):
            backend().client(request, frozenset(), now=timezone.now())

    assert work(monkeypatch, client_secret, "matches", attempt) == [1, 1]


# 8: what RFC 9700 forbids and the toolkit allows


@pytest.mark.parametrize(
    "changes",
    [{"code_challenge_method": None}, {"code_challenge_method": "plain"}],
    ids=["plain by default", "plain"],
)
def test_8_plain_a_plain_challenge_is_accepted_and_the_answer_names_no_issuer(plain, apis, user, changes):
    own = make_client("own", "authorization_code", skip_authorization=True)
    location = plain_page(user, authorization(own, **changes))["Location"]
    assert "code=" in location
    assert "iss=" not in location
    code = get_grant_model().objects.get().code
    assert f"code={code}" in location  # and the code is stored as it is


def test_8_plain_implicit_is_open(plain, apis, user):
    make_client("own", "implicit", skip_authorization=True)
    asked = {"response_type": "token", "client_id": "own", "redirect_uri": CALLBACK, "scope": "notes:read"}
    assert "access_token=" in plain_page(user, asked)["Location"]


def test_8_plain_http_redirect_uris_are_open(plain, apis, user):
    own = make_client("own", "authorization_code", skip_authorization=True)
    type(own).objects.update(redirect_uris="http://client.example/callback")
    own.refresh_from_db()
    asked = authorization(own, redirect_uri="http://client.example/callback")
    assert plain_page(user, asked)["Location"].startswith("http://client.example/callback?code=")


def test_8_here_all_of_it_is_closed(client, apis, user):
    log_in(client, user)
    own = make_client("own", "authorization_code", "implicit", "password", skip_authorization=True)

    def refused(**changes):
        answer = parameters(client.get("/oauth/authorize", authorization(own, **changes)))
        return answer["error"], answer["iss"]

    issuer = "http://localhost:8000"
    assert refused(code_challenge_method=None) == ("invalid_request", issuer)
    assert refused(code_challenge_method="plain") == ("invalid_request", issuer)
    assert refused(response_type="token") == ("unsupported_response_type", issuer)
    answer = parameters(client.get("/oauth/authorize", authorization(own)))
    assert answer["iss"] == issuer
    assert answer["code"] not in str(list(AuthorizationCode.objects.values()))
    type(own).objects.update(redirect_uris="http://client.example/callback")
    asked = authorization(own, redirect_uri="http://client.example/callback")
    assert client.get("/oauth/authorize", asked).status_code == 400
    password = {"grant_type": "password", "username": "ada", "password": "correct horse", "client_id": "own"}
    assert post(client, "/oauth/token", password).json()["error"] == "unsupported_grant_type"


# and: whatever a form holds becomes an attribute of the request


def test_plain_a_form_field_is_read_as_the_request_s_user(plain):
    uri, method, body, headers = plain._extract_params(form({"user": "999"}))
    assert Request(uri, method, body, headers).user == "999"
