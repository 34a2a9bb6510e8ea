"""The toolkit's holes, each shown in the plain django-oauth-toolkit and shown closed here by the same assertion."""

import hashlib
import json
from datetime import timedelta
from io import StringIO
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone
from django.utils.datastructures import MultiValueDictKeyError
from oauth2_provider.admin import ApplicationAdmin
from oauth2_provider.models import (
    AbstractApplication,
    AccessToken,
    clear_expired,
    get_device_grant_model,
    get_grant_model,
    get_refresh_token_model,
)
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.views import AuthorizationView, IntrospectTokenView, RPInitiatedLogoutView, TokenView
from oauthlib.common import Request
from oauthlib.openid import Server as OpenIDServer

from tests.tokens.conftest import (
    API,
    CALLBACK,
    CHALLENGE,
    VERIFIER,
    allow,
    authorization,
    basic,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
)
from tokens.errors import InvalidClient
from tokens.keys import signing
from tokens.models import AuthorizationCode, DeviceCode, RefreshToken, UserGrant
from tokens.oauth import client_secret, denial
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
    type(webapp).objects.update(remembers_consent=False)
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

    assert work(monkeypatch, client_secret, "matches", attempt) == [2, 2]


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


# 9: a refresh token used twice


def plain_refresh_token(client, user):
    """A pair of tokens in the toolkit's own tables."""
    expires = timezone.now() + timedelta(minutes=1)
    access = AccessToken.objects.create(user=user, application=client, token="a", expires=expires, scope="notes:read")
    return get_refresh_token_model().objects.create(user=user, application=client, token="r", access_token=access)


def plain_refresh(client, text):
    data = {"grant_type": "refresh_token", "refresh_token": text, "client_id": client.client_id}
    return TokenView.as_view()(form(data))


def refresh(browser, client, text):
    return post(
        browser, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": text, "client_id": client.client_id}
    )


@pytest.fixture
def app(apis):
    return make_client("app", "authorization_code", "refresh_token", public=True)


@pytest.fixture
def refresh_token(client, app, code, signer):
    return redeem(client, app, code(app, scope="notes:read offline_access")).json()["refresh_token"]


def test_9_plain_whoever_stole_a_refresh_token_keeps_what_it_gave(plain, app, user):
    plain_refresh_token(app, user)
    stolen = json.loads(plain_refresh(app, "r").content)["refresh_token"]
    assert plain_refresh(app, "r").status_code == 400, "the owner is refused"
    assert plain_refresh(app, stolen).status_code == 200, "and the thief goes on"


def test_9_here_the_family_ends(client, app, refresh_token):
    stolen = refresh(client, app, refresh_token).json()["refresh_token"]
    stolen = refresh(client, app, stolen).json()["refresh_token"]
    assert refresh(client, app, refresh_token).status_code == 400
    assert refresh(client, app, stolen).status_code == 400


def test_9_plain_a_refresh_token_never_expires(plain, app, user):
    plain_refresh_token(app, user)
    get_refresh_token_model().objects.update(created=timezone.now() - timedelta(days=3650))
    assert plain_refresh(app, "r").status_code == 200


def test_9_here_it_does(client, app, refresh_token):
    RefreshToken.objects.update(expires_at=timezone.now())
    assert refresh(client, app, refresh_token).status_code == 400


def test_6_plain_a_deactivated_user_s_application_refreshes(plain, app, user):
    plain_refresh_token(app, user)
    type(user).objects.update(is_active=False)
    assert plain_refresh(app, "r").status_code == 200


def test_6_here_it_does_not(client, app, refresh_token, user):
    type(user).objects.update(is_active=False)
    assert refresh(client, app, refresh_token).status_code == 400


# 10: an authorization code used twice


def test_10_plain_what_a_stolen_code_gave_stays(plain, spa, user):
    type(spa).objects.update(algorithm="RS256")
    plain_grant(spa, user)
    given = json.loads(plain_exchange(spa).content)["access_token"]
    assert plain_exchange(spa).status_code == 400
    assert AccessToken.objects.filter(token_checksum=hashlib.sha256(given.encode()).hexdigest()).exists()


def test_10_here_it_is_denied(client, spa, code, decode):
    issued = code(spa)
    given = decode(redeem(client, spa, issued).json()["access_token"], API)[1]
    assert redeem(client, spa, issued).status_code == 400
    assert denial.is_denied(given)


# 11: introspection


def test_11_plain_any_client_reads_any_token(plain, spa, service, user):
    expires = timezone.now() + timedelta(minutes=1)
    AccessToken.objects.create(user=user, application=spa, token="t", expires=expires, scope="notes:read")
    answer = json.loads(IntrospectTokenView.get_token_response("t").content)
    assert (answer["active"], answer["client_id"], answer["username"]) == (True, "spa", "ada")


def test_11_here_only_whom_it_concerns(client, spa, service, code, signer):
    text = redeem(client, spa, code(spa)).json()["access_token"]
    answer = post(client, "/oauth/introspect", {"token": text}, **basic("service", service.plain))
    assert answer.json() == {"active": False}


# 12: logout


def test_12_plain_a_stranger_s_get_ends_a_user_s_tokens_in_every_application(plain, spa, service, user, test_signer):
    expires = timezone.now() + timedelta(minutes=1)
    for of in (spa, service):
        AccessToken.objects.create(user=user, application=of, token=of.client_id, expires=expires, scope="openid")
    type(spa).objects.update(algorithm="RS256")
    plain_grant(spa, user)
    hint = json.loads(plain_exchange(spa).content)["id_token"]
    with override_settings(
        OAUTH2_PROVIDER=settings.OAUTH2_PROVIDER
        | {"OIDC_RP_INITIATED_LOGOUT_ENABLED": True, "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False}
    ):
        request = RequestFactory().get("/logout", {"id_token_hint": hint})
        request.user, request.session = user, SessionStore()
        answer = RPInitiatedLogoutView.as_view()(request)
    assert answer.status_code == 302
    assert not AccessToken.objects.filter(token="service").exists()


def test_12_here_without_the_session_nothing_ends(client, spa, user, code):
    call_command("rotate_keys", stdout=StringIO())
    signing.snapshots.forget()
    hint = redeem(client, spa, code(spa)).json()["id_token"]
    stranger = Client()
    assert stranger.get("/oauth/logout", {"id_token_hint": hint}).status_code == 200
    assert client.get("/accounts/").context["user"] == user
    assert not UserGrant.objects.exclude(revoked_at=None).exists()


# 13: the device grant


def test_13_plain_a_code_never_expires_nobody_is_slowed_down_and_a_missing_one_is_an_error_500(plain, spa):
    past = timezone.now() - timedelta(days=365)
    get_device_grant_model().objects.create(
        device_code="d", user_code="u", client_id="spa", expires=past, scope="notes:read"
    )
    asked = {"grant_type": DEVICE, "device_code": "d", "client_id": "spa"}
    said = {json.loads(TokenView.as_view()(form(asked)).content)["error"] for _ in range(3)}
    assert said == {"authorization_pending"}
    with pytest.raises(MultiValueDictKeyError):
        TokenView.as_view()(form({"grant_type": DEVICE}))
    assert get_device_grant_model().objects.get().device_code == "d", "kept as it is"


def test_13_here_it_expires_waits_and_is_refused(client, apis, signer):
    tv = make_client("tv", DEVICE, public=True)
    code = post(client, "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()["device_code"]
    asked = {"grant_type": DEVICE, "device_code": code, "client_id": tv.client_id}
    assert post(client, "/oauth/token", asked).json()["error"] == "authorization_pending"
    assert post(client, "/oauth/token", asked).json()["error"] == "slow_down"
    DeviceCode.objects.update(expires_at=timezone.now())
    assert post(client, "/oauth/token", asked).json()["error"] == "expired_token"
    missing = post(client, "/oauth/token", {"grant_type": DEVICE, "client_id": "tv"})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


# 14: what is never removed


def test_14_plain_a_revoked_refresh_token_stays_for_ever(plain, app, user):
    plain_refresh_token(app, user)
    old = timezone.now() - timedelta(days=3650)
    AccessToken.objects.update(expires=old)
    get_refresh_token_model().objects.update(created=old, revoked=None)
    clear_expired()
    assert get_refresh_token_model().objects.exists()
    assert AccessToken.objects.exists(), "and so does the access token that it is bound to"


def test_14_here_both_go(client, app, refresh_token):
    old = timezone.now() - timedelta(days=3650)
    RefreshToken.objects.update(expires_at=old)
    UserGrant.objects.update(ends_at=old)
    call_command("purge_tokens", stdout=StringIO(), stderr=StringIO())
    assert not RefreshToken.objects.exists()
    assert not UserGrant.objects.exists()


# 15: no limits, and a consent page that any site may frame


def test_15_plain_secrets_are_tried_without_end_and_the_consent_page_says_nothing_of_frames(
    plain, service, webapp, user
):
    data = {"grant_type": "client_credentials", "client_id": "service", "client_secret": "wrong"}
    assert {TokenView.as_view()(form(data)).status_code for _ in range(5)} == {401}
    page = plain_page(user, authorization(webapp, scope="notes:read"))
    assert page.status_code == 200
    assert not {"X-Frame-Options", "Content-Security-Policy"} & set(page.headers)


def test_15_here_there_is_an_end_and_nobody_frames_it(client, service, webapp, user, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"token": (4, 60)}}
    data = {"grant_type": "client_credentials", "client_id": "service", "client_secret": "wrong"}
    assert [post(client, "/oauth/token", data).status_code for _ in range(5)] == [401, 401, 401, 401, 429]
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(webapp))
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


# 16: the admin


def test_16_plain_the_secret_s_hash_is_a_field_to_edit_and_a_client_is_not_found_by_its_id():
    assert AbstractApplication._meta.get_field("client_secret").editable
    assert "client_id" not in ApplicationAdmin.search_fields


def test_16_here_no_hash_is_on_the_page_and_a_client_is_found_by_its_id(admin_client, service):
    page = admin_client.get(f"/admin/tokens/client/{service.pk}/change/").content.decode()
    stored = bytes(service.secrets.get().digest)
    assert stored.hex() not in page
    assert 'name="client_secret"' not in page
    assert "service" in admin_client.get("/admin/tokens/client/?q=service").content.decode()


# and: whatever a form holds becomes an attribute of the request


def test_plain_a_form_field_is_read_as_the_request_s_user(plain):
    uri, method, body, headers = plain._extract_params(form({"user": "999"}))
    assert Request(uri, method, body, headers).user == "999"
