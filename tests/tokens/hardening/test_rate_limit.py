"""Rate limits of requests with a wrong client secret."""

import pytest

from tests.tokens.factories import post

pytestmark = pytest.mark.django_db

WRONG = {"grant_type": "client_credentials", "client_id": "service", "client_secret": "wrong"}


def test_wrong_secrets_are_rate_limited(client, service, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"token": (4, 86_400)}}
    assert [post(client, "/oauth/token", WRONG).status_code for _ in range(5)] == [401] * 4 + [429]
