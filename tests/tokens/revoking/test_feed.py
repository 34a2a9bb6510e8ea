"""A signed document of the revocation feed expires before the key that signed it can be withdrawn."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from tokens.keys import material
from tokens.keys.key_pair import RingSigner
from tokens.revoking import feed
from tokens.revoking.feed_log import Changes, Version

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("longest_token", "lifetime"),
    [(timedelta(hours=1), timedelta(minutes=10)), (timedelta(seconds=30), timedelta(seconds=30))],
)
def test_a_document_is_valid_for_ten_minutes_and_never_longer_than_a_token_of_its_key(longest_token, lifetime):
    signer = RingSigner(longest_token, material.generate("ES256"))
    changes = Changes(Version(1, "tag"), b"", ())
    document = feed.sign(changes, ("default", None), more=False, signer=signer, now=NOW)
    claims = jwt.decode(document.body, options={"verify_signature": False})
    assert document.renew_at == NOW + lifetime / 2
    assert claims["exp"] - claims["iat"] == lifetime.total_seconds()
