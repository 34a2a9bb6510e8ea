"""examples/webapp ends the session that a logout token names, and accepts no other token as a logout token."""

import json
import os
import time
from unittest.mock import patch

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import RequestFactory

ENVIRONMENT = {
    "SECRET_KEY": "of the example",
    "DEBUG": "true",
    "ISSUER_URL": "https://issuer.example",
    "API_URL": "https://api.example",
    "API_AUDIENCE": "https://api.example/",
    "WEBAPP_URL": "https://app.example",
    "WEBAPP_CLIENT_ID": "webapp",
    "WEBAPP_CLIENT_SECRET": "of the application",
}
with patch.dict(os.environ, ENVIRONMENT):
    from examples.webapp import backchannel, ended_sessions

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k-1", "alg": "RS256", "use": "sig"}
METADATA = {"issuer": "https://issuer.example", "id_token_signing_alg_values_supported": ["RS256"]}


@pytest.fixture(autouse=True)
def issuer(monkeypatch):
    cache.clear()
    monkeypatch.setattr(backchannel.oauth.issuer, "load_server_metadata", lambda: METADATA)
    monkeypatch.setattr(backchannel.oauth.issuer, "fetch_jwk_set", lambda **_: {"keys": [JWK]})


def token(*, key=KEY, headers=None, algorithm="RS256", **changes):
    now = int(time.time())
    claims = {"iss": "https://issuer.example", "aud": "webapp", "iat": now, "exp": now + 120, "jti": "t-1"}
    claims |= {"events": EVENTS, "sid": "s-1", **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"typ": "logout+jwt", "kid": "k-1"} | (headers or {}))


def post(text):
    answer = backchannel.receive(RequestFactory().post("/logged-out", {"logout_token": text}))
    assert answer["Cache-Control"] == "no-store"
    return answer.status_code


@pytest.mark.parametrize("changes", [{}, {"sub": "u-1"}, {"aud": ["webapp"]}, {"headers": {"typ": "Logout+JWT"}}])
def test_a_logout_token_ends_the_session_that_it_names_and_no_other(changes):
    assert post(token(**changes)) == 200
    assert ended_sessions.has("s-1")
    assert not ended_sessions.has("s-2")
    assert not ended_sessions.has(None)


def test_a_repeated_logout_token_is_accepted():
    assert [post(token()), post(token())] == [200, 200]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "another"},
        {"aud": ["webapp", "another"]},
        {"aud": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": int(time.time()) + 3600},
        {"iat": None},
        {"events": None},
        {"events": {}},
        {"events": [*EVENTS]},
        {"events": {"http://schemas.openid.net/event/other": {}}},
        {"nonce": "n-1"},
        {"jti": None},
        {"sid": None, "sub": "u-1"},
        {"sid": ["s-1"]},
        {"headers": {"typ": "JWT"}},
        {"headers": {"typ": "at+jwt"}},
        {"headers": {"kid": "k-2"}},
        {"key": OTHER_KEY},
        {"key": "a secret that is shared and long enough", "algorithm": "HS256"},
        {"key": None, "algorithm": "none"},
    ],
)
def test_another_token_ends_no_session(changes):
    assert post(token(**changes)) == 400
    assert not ended_sessions.has("s-1")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é" * 10, "{}"])
def test_a_text_that_is_no_token_is_refused(text):
    assert post(text) == 400
