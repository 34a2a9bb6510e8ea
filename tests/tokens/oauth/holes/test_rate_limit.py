"""Hole 15: secrets are tried without end at the token endpoint."""

import pytest

from tests.tokens.conftest import post
from tests.tokens.oauth.holes import toolkit

pytestmark = pytest.mark.django_db

WRONG = {"grant_type": "client_credentials", "client_id": "service", "client_secret": "wrong"}


def test_15_plain_secrets_are_tried_without_end(plain, service):
    assert [toolkit.token(WRONG).status_code for _ in range(5)] == [401] * 5


def test_15_here_there_is_an_end(client, service, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"token": (4, 86_400)}}
    assert [post(client, "/oauth/token", WRONG).status_code for _ in range(5)] == [401] * 4 + [429]
