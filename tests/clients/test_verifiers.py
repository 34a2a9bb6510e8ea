"""Verifiers of other projects accept access tokens, with only the JWKS, and refuse tokens that were changed."""

import jwt
import pytest
import requests
from joserfc import jwk
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError

from tests import marks
from tests.flow.conftest import System

pytestmark = [*marks.stack]


@pytest.fixture(scope="module")
def token(system: System):
    answer = requests.post(
        f"{system.issuer}/oauth/token",
        data={"grant_type": "client_credentials", "scope": "notes:read"},
        auth=("service", system.variables.demo["SERVICE_CLIENT_SECRET"]),
        timeout=60,
    )
    return answer.json()["access_token"]


def tampered(token):
    head, body, signature = token.split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def test_pyjwt_s_jwks_client_accepts_a_token_and_refuses_a_changed_one(system: System, token):
    keys = jwt.PyJWKClient(f"{system.issuer}/.well-known/jwks.json")

    def verify(text):
        key = keys.get_signing_key_from_jwt(text)
        return jwt.decode(text, key, algorithms=["RS256"], audience=system.audience, issuer=system.issuer)

    assert verify(token)["client_id"] == "service"
    with pytest.raises(jwt.InvalidSignatureError):
        verify(tampered(token))


def test_joserfc_accepts_a_token_and_refuses_a_changed_one(system: System, token):
    keys = jwk.KeySet.import_key_set(requests.get(f"{system.issuer}/.well-known/jwks.json", timeout=60).json())
    decoded = joserfc_jwt.decode(token, keys, algorithms=["RS256"])
    assert decoded.header["typ"] == "at+jwt"
    claims = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": system.issuer}, aud={"essential": True, "value": system.audience}
    )
    claims.validate(decoded.claims)
    with pytest.raises(JoseError):
        joserfc_jwt.decode(tampered(token), keys, algorithms=["RS256"])
