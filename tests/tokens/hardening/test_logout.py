"""A logout request that another browser sends does not end the user's session."""

import pytest
from django.test import Client

from resources.testing import bearer
from tests.tokens.factories import make_client, post, redeem
from tokens.models import Revocation, UserGrant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("how", ["get", "post", "an answer to the page that asks"])
def test_a_logout_request_of_an_attacker_ends_no_session(client, app, user, code, ring, how):
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
