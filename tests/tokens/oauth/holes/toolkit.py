"""Requests to the plain toolkit's views, and rows in its own tables."""

import json
from datetime import timedelta
from urllib.parse import urlencode

from django.test import RequestFactory
from django.utils import timezone
from oauth2_provider.models import AccessToken, get_grant_model, get_refresh_token_model
from oauth2_provider.views import AuthorizationView, TokenView

from tests.tokens.conftest import CALLBACK, CHALLENGE, VERIFIER

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def form(data, **extra):
    return RequestFactory().post("/", urlencode(data), content_type="application/x-www-form-urlencoded", **extra)


def with_bearer(token):
    return RequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")


def token(data):
    """The answer of the token endpoint."""
    return TokenView.as_view()(form(data))


def body(answer):
    return json.loads(answer.content)


def access_token(client, user, text, scope="notes:read"):
    """An access token that holds for a minute."""
    expires = timezone.now() + timedelta(minutes=1)
    return AccessToken.objects.create(user=user, application=client, token=text, expires=expires, scope=scope)


def grant(client, user, **fields):
    """An authorization code, by which the client gets an ID token as well."""
    type(client).objects.filter(pk=client.pk).update(algorithm="RS256")
    fields = {"scope": "openid notes:read", "expires": timezone.now() + timedelta(minutes=1)} | fields
    return get_grant_model().objects.create(
        user=user,
        application=client,
        code="plain-code",
        redirect_uri=CALLBACK,
        code_challenge=CHALLENGE,
        code_challenge_method="S256",
        **fields,
    )


def exchange(client, **extra):
    data = {
        "grant_type": "authorization_code",
        "code": "plain-code",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": client.client_id,
    }
    return token(data | extra)


def refresh_token(client, user):
    """A pair of tokens, of which `r` is the refresh token."""
    access = access_token(client, user, "a")
    return get_refresh_token_model().objects.create(user=user, application=client, token="r", access_token=access)


def refresh(client, text):
    return token({"grant_type": "refresh_token", "refresh_token": text, "client_id": client.client_id})


def page(user, query):
    """The answer of the authorization endpoint to a logged-in user."""
    request = RequestFactory().get("/authorize", query)
    request.user = user
    return AuthorizationView.as_view()(request)
