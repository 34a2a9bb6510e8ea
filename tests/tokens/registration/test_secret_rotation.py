"""The dates of a client's secrets: an expiry time must be in the future."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.tokens.factories import make_client
from tokens.registration import secret_rotation
from tokens.registration.secret_rotation import SecretEnded

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_a_secret_needs_an_expiry_time_in_the_future():
    client = make_client("app", "client_credentials")
    with pytest.raises(SecretEnded):
        secret_rotation.add(client, actor="test", now=NOW, expires_at=NOW)
    assert not client.secrets.exists()
    secret_rotation.add(client, actor="test", now=NOW, expires_at=NOW + timedelta.resolution)
    secret = client.secrets.get()
    with pytest.raises(SecretEnded):
        secret_rotation.expire(secret, NOW, actor="test", now=NOW)
    secret_rotation.expire(secret, NOW + timedelta(days=1), actor="test", now=NOW)
    assert client.secrets.get().expires_at == NOW + timedelta(days=1)
