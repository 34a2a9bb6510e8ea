#!/usr/bin/env bash
# requests_oauth2client 1.8.0 with jwskate 0.12.2: one key of an unknown type in the JWKS stops clients that use no key.
#
# Behaviour: RFC 7517 section 5 has readers of a JWKS ignore keys whose `kty` they do not understand. jwskate raises
# InvalidJwk for the whole set. from_discovery_endpoint fetches the JWKS of each issuer, so no client is made, not even
# one for client credentials that never verifies a signature. The key of the trial is one for ML-DSA (`kty` AKP, RFC
# 9964), which an issuer adds for readers that know it.
# One would guess that another key beside the known one changes nothing for a client, and that a client that gets opaque
# tokens does not depend on the JWKS.
# Remedy: from_discovery_document, with the keys of known types as authorization_server_jwks.
#
# Output seen:
#   keys RSA: token
#   keys RSA, AKP: InvalidJwk
#   keys RSA, AKP, with the remedy: token
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq requests_oauth2client==1.8.0 jwskate==0.12.2 requests==2.34.2

cat >"$work/trial.py" <<'PYTHON'
import json
import os
from base64 import urlsafe_b64encode

from jwskate import InvalidJwk, Jwk
from requests import Response, Session
from requests.adapters import BaseAdapter
from requests_oauth2client import OAuth2Client

ISSUER = "https://issuer.example"
METADATA = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/jwks"}
RSA = Jwk.generate(alg="RS256").public_jwk().to_dict() | {"kid": "first", "use": "sig"}
# Any 1312 bytes decode as a public key of ML-DSA-44.
AKP = {
    "kty": "AKP",
    "alg": "ML-DSA-44",
    "kid": "second",
    "use": "sig",
    "pub": urlsafe_b64encode(os.urandom(1312)).rstrip(b"=").decode(),
}


class Issuer(BaseAdapter):
    """Answer as the issuer, in this process."""

    def __init__(self, keys):
        super().__init__()
        self.answers = {
            "/.well-known/openid-configuration": METADATA,
            "/jwks": {"keys": keys},
            "/token": {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300},
        }

    def send(self, request, **kwargs):
        response = Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response.headers["Content-Type"] = "application/json"
        response._content = json.dumps(self.answers[request.path_url]).encode()
        return response

    def close(self):
        pass


def by_endpoint(session):
    """Make the client as the documentation does."""
    return OAuth2Client.from_discovery_endpoint(issuer=ISSUER, client_id="client", client_secret="s", session=session)


def by_document(session):
    """Make the client with the keys of known types alone."""
    keys = [key for key in session.get(METADATA["jwks_uri"]).json()["keys"] if key["kty"] in ("RSA", "EC", "OKP")]
    return OAuth2Client.from_discovery_document(
        METADATA,
        issuer=ISSUER,
        client_id="client",
        client_secret="s",
        session=session,
        authorization_server_jwks={"keys": keys},
    )


def outcome(label, keys, make):
    """Make a client, and return whether it gets a token by client credentials."""
    session = Session()
    session.mount("https://", Issuer(keys))
    try:
        seen = "token" if make(session).client_credentials().access_token else "none"
    except InvalidJwk as error:
        seen = type(error).__name__
    print(f"{label}: {seen}")
    return seen


seen = [
    outcome("keys RSA", [RSA], by_endpoint),
    outcome("keys RSA, AKP", [RSA, AKP], by_endpoint),
    outcome("keys RSA, AKP, with the remedy", [RSA, AKP], by_document),
]
if seen != ["token", "InvalidJwk", "token"]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
