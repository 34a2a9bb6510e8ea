"""Hole 12: a stranger's GET ends a user's tokens in every application."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory
from oauth2_provider.models import AccessToken
from oauth2_provider.views import RPInitiatedLogoutView

from resources.testing import bearer
from tests.tokens.conftest import make_client, post, redeem
from tests.tokens.oauth.holes import toolkit
from tokens.models import Revocation, UserGrant

pytestmark = pytest.mark.django_db


def test_12_plain_a_stranger_s_get_ends_a_user_s_tokens_in_every_application(plain, plain_with, spa, service, user):
    for of in (spa, service):
        toolkit.access_token(of, user, of.client_id)
    toolkit.grant(spa, user)
    hint = toolkit.body(toolkit.exchange(spa))["id_token"]
    request = RequestFactory().get("/logout", {"id_token_hint": hint})
    request.user, request.session = AnonymousUser(), SessionStore()
    with plain_with(OIDC_RP_INITIATED_LOGOUT_ENABLED=True):
        assert RPInitiatedLogoutView.as_view()(request).status_code == 302
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("how", ["get", "post", "an answer to the page that asks"])
def test_12_here_a_stranger_ends_nothing(client, app, user, code, ring, how):
    other = make_client("other", "authorization_code", "refresh_token", public=True)
    scope = "openid notes:read offline_access"
    given = [redeem(client, of, code(of, scope=scope)).json() for of in (app, other)]
    for_issuer = redeem(client, app, code(app, scope="openid")).json()["access_token"]
    hint, stranger = given[0]["id_token"], Client()
    if how == "get":
        stranger.get("/oauth/logout", {"id_token_hint": hint})
    elif how == "post":
        stranger.post("/oauth/logout", {"id_token_hint": hint})
    else:
        stranger.post(f"/oauth/logout?id_token_hint={hint}", {"log_out": "true"})
    assert client.get("/accounts/").context["user"] == user
    assert client.get("/oauth/userinfo", headers=bearer(for_issuer)).status_code == 200
    assert not Revocation.objects.exists()
    assert not UserGrant.objects.exclude(revoked_at=None).exists()
    for of, body in zip((app, other), given, strict=True):
        form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"], "client_id": of.client_id}
        assert post(client, "/oauth/token", form).status_code == 200
