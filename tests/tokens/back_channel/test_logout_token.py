"""The claims of a logout token are only those of Back-Channel Logout 1.0 section 2.4.

No endpoint accepts it as another token.
"""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from tests.tokens.factories import make_client
from tokens.authorize import id_token_hint
from tokens.back_channel import logout_token
from tokens.back_channel.logout_token import LogoutToken
from tokens.issued import token_reader
from tokens.models import LogoutMessage

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TOKEN = LogoutToken(
    issuer="https://issuer.example", client_id="app", issued_at=NOW, token_id="t-1", sid="s-1", subject="u-1"
)
EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}


def test_the_token_has_these_claims_and_this_type(test_signer):
    text = logout_token.mint(TOKEN, signer=test_signer)
    assert jwt.get_unverified_header(text) == {"alg": "RS256", "kid": "test-key", "typ": "logout+jwt"}
    assert jwt.decode(text, options={"verify_signature": False}) == {
        "iss": "https://issuer.example",
        "aud": "app",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 120,
        "jti": "t-1",
        "events": EVENTS,
        "sid": "s-1",
        "sub": "u-1",
    }


def test_the_token_expires_no_later_than_its_key_permits(test_signer, monkeypatch):
    monkeypatch.setattr(test_signer, "max_lifetime", timedelta(seconds=20))
    claims = jwt.decode(logout_token.mint(TOKEN, signer=test_signer), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 20


@pytest.mark.django_db
@pytest.mark.parametrize(("required", "names_user"), [(None, True), (False, True), (True, False)])
def test_a_client_that_requires_the_session_id_gets_no_sub(signer, decode, required, names_user):
    client = make_client("app", public=True, scopes=(), backchannel_logout_session_required=required)
    message = LogoutMessage(client=client, sub="u-1", sid="s-1")
    _, claims = decode(logout_token.for_message(message, token_id="t-1", now=datetime.now(UTC)), "app")
    assert claims["sid"] == "s-1"
    assert claims.get("sub") == ("u-1" if names_user else None)


@pytest.mark.django_db
def test_a_logout_token_is_neither_an_id_token_nor_an_access_token(signer):
    client = make_client("app", public=True, scopes=())
    message = LogoutMessage(client=client, sub="u-1", sid="s-1")
    text = logout_token.for_message(message, token_id="t-1", now=datetime.now(UTC))
    with pytest.raises(id_token_hint.NotOurs):
        id_token_hint.read(text)
    with pytest.raises(token_reader.InvalidPresentedToken):
        token_reader.read(text, now=datetime.now(UTC))
