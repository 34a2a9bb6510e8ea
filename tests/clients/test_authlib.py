"""Authlib uses the code flow, refresh, revocation and introspection, and authenticates with the client's own key."""

import time

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwk, jwt

from tests import marks
from tests.clients.conftest import SCOPE
from tests.flow.conftest import System

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), *marks.stack]


@pytest.fixture(scope="module")
def metadata(system: System):
    return requests.get(f"{system.issuer}/.well-known/openid-configuration", timeout=60).json()


def session(client_id, system: System, metadata, **options):
    return OAuth2Session(
        client_id,
        scope=SCOPE,
        redirect_uri=system.callback,
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
        revocation_endpoint=metadata["revocation_endpoint"],
        **options,
    )


def log_in(client, agree, metadata):
    verifier, nonce = generate_token(48), generate_token(20)
    url, _state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    token = client.fetch_token(metadata["token_endpoint"], authorization_response=agree(url), code_verifier=verifier)
    return dict(token), nonce


def id_claims(text, system: System, metadata):
    keys = jwk.KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=60).json())
    return jwt.decode(text, keys).claims


@pytest.mark.parametrize("kind", ["public", "confidential"])
def test_authlib_gets_verifies_refreshes_and_revokes_tokens_by_the_code_flow(kind, request, system, metadata, agree):
    own = request.getfixturevalue(kind)
    secret = {} if kind == "public" else {"client_secret": own["client_secret"]}
    client_id = own if kind == "public" else own["client_id"]
    method = "none" if kind == "public" else "client_secret_basic"
    client = session(client_id, system, metadata, token_endpoint_auth_method=method, **secret)
    token, nonce = log_in(client, agree, metadata)
    claims = CodeIDToken(
        id_claims(token["id_token"], system, metadata),
        {"alg": "RS256"},
        {"iss": {"value": system.issuer}, "aud": {"value": client_id}},
        {"nonce": nonce, "access_token": token["access_token"], "client_id": client_id},
    )
    claims.validate(leeway=5)
    assert system.call("GET", "/api/notes/", token["access_token"]).status_code == 200
    fresh = client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    assert fresh["access_token"] != token["access_token"]
    assert system.call("GET", "/api/notes/", fresh["access_token"]).status_code == 200
    live = fresh.get("refresh_token", token["refresh_token"])
    assert client.revoke_token(metadata["revocation_endpoint"], live, "refresh_token").status_code == 200
    with pytest.raises(Exception, match="invalid_grant"):
        client.refresh_token(metadata["token_endpoint"], refresh_token=live)


def test_authlib_gets_a_user_s_claims_with_a_token_for_an_api(confidential, system, metadata, agree):
    """A client that requests Authlib's usual scopes and a scope of an API gets the user's claims.

    The claims are in the ID token, and userinfo returns them. The API accepts the same access token.
    """
    credentials = {"client_secret": confidential["client_secret"], "token_endpoint_auth_method": "client_secret_basic"}
    client = session(confidential["client_id"], system, metadata, **credentials)
    client.scope = "openid profile email notes:read"
    token, _ = log_in(client, agree, metadata)
    assert system.call("GET", "/api/notes/", token["access_token"]).status_code == 200
    claims = id_claims(token["id_token"], system, metadata)
    assert (claims["preferred_username"], claims["email"]) == ("demo", "demo@example.com")
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    userinfo = requests.get(metadata["userinfo_endpoint"], headers=bearer, timeout=60)
    assert userinfo.json().items() >= {"sub": claims["sub"], "name": "demo", "email": "demo@example.com"}.items()


def test_authlib_reads_userinfo_and_introspects_the_client_s_own_token(register, system, metadata, agree):
    method = ("--auth-method", "client_secret_post")
    own = register("By body", "--grant", "authorization_code", "--redirect-uri", system.callback, *method)
    client = session(
        own["client_id"],
        system,
        metadata,
        client_secret=own["client_secret"],
        token_endpoint_auth_method="client_secret_post",
    )
    client.scope = "openid profile"
    token, _ = log_in(client, agree, metadata)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    userinfo = requests.get(metadata["userinfo_endpoint"], headers=bearer, timeout=60)
    assert userinfo.json()["preferred_username"] == "demo"
    active = client.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
    assert (active["active"], active["sub"]) == (True, userinfo.json()["sub"])


def test_authlib_gets_a_token_by_client_credentials_and_a_secret(system, metadata):
    client = OAuth2Session("service", system.variables.demo["SERVICE_CLIENT_SECRET"], scope="notes:read")
    token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert system.call("GET", "/api/notes/", token["access_token"]).status_code == 200


def test_authlib_gets_a_token_by_client_credentials_and_its_key(register, system, metadata):
    key = ec.generate_private_key(ec.SECP256R1())
    made = register("Own key", "--grant", "client_credentials", key=key)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    own = jwk.ECKey.import_key(pem)
    client = OAuth2Session(made["client_id"], own, scope="notes:read", token_endpoint_auth_method="private_key_jwt")
    claims = {"exp": int(time.time()) + 60}
    method = PrivateKeyJWT(system.issuer, claims=claims, headers={"kid": "one"}, alg="ES256")
    client.register_client_auth_method(method)
    token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert system.call("GET", "/api/notes/", token["access_token"]).status_code == 200
