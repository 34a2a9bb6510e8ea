"""RFC 9700 for refresh tokens: each is used once, or is bound to a client that authenticates (2.2.2, 4.14.2)."""

from datetime import timedelta
from unittest.mock import ANY

import pytest
from django.utils import timezone

from tests.tokens.factories import make_client, post, redeem
from tests.tokens.rfc import answer, confidential, granted, refusal
from tokens.issued.refresh_rotation import RETRY_WINDOW
from tokens.models import RefreshToken, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

STAYS = "notes:read offline_access"
REUSED = refusal("invalid_grant", "The refresh token was used before; its family is revoked.")
REVOKED = refusal("invalid_grant", "The grant was revoked.")
EXPIRED = refusal("invalid_grant", "The refresh token is unknown, expired, or another client's.")
ROTATED, KEPT = granted(STAYS, refresh_token=ANY), granted(STAYS)


@pytest.fixture
def app(apis):
    return make_client("app", "authorization_code", "refresh_token", public=True)


@pytest.fixture
def desk(apis):
    return confidential("desk", "authorization_code", "refresh_token")


def refresh(browser, by, token):
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": by.client_id}
    secret = {"client_secret": by.plain} if hasattr(by, "plain") else {}
    return post(browser, "/oauth/token", form | secret)


def test_reuse_of_a_public_client_s_refresh_token_revokes_the_family(client, app, code):
    """RFC 9700 section 4.14.2: a public client's refresh token is used once. Reuse revokes the family."""
    first = redeem(client, app, code(app, scope=STAYS)).json()["refresh_token"]
    second = refresh(client, app, first)
    assert answer(second) == ROTATED
    third = refresh(client, app, second.json()["refresh_token"])
    assert answer(third) == ROTATED
    RefreshToken.objects.exclude(used_at=None).update(used_at=timezone.now() - RETRY_WINDOW - timedelta(seconds=1))
    assert answer(refresh(client, app, first)) == REUSED
    assert answer(refresh(client, app, third.json()["refresh_token"])) == REVOKED
    assert UserGrant.objects.get().revoked_at is not None


def test_a_confidential_client_s_refresh_token_is_bound_to_the_client(client, desk, app, code):
    """The client authenticates, so its refresh token is bound to it and need not rotate (RFC 9700 section 2.2.2)."""
    token = redeem(client, desk, code(desk, scope=STAYS)).json()["refresh_token"]
    assert answer(refresh(client, desk, token)) == KEPT
    assert answer(refresh(client, app, token)) == EXPIRED
    assert answer(refresh(client, desk, token)) == KEPT


def test_an_unused_refresh_token_expires(client, desk, code):
    """A refresh token that is not used expires after seven days (RFC 9700 section 4.14.2)."""
    token = redeem(client, desk, code(desk, scope=STAYS)).json()["refresh_token"]
    kept = RefreshToken.objects.get()
    assert kept.expires_at - kept.created_at == timedelta(days=7)
    RefreshToken.objects.update(expires_at=kept.created_at)
    assert answer(refresh(client, desk, token)) == EXPIRED
