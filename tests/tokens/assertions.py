"""Key pairs and assertions of clients. PyJWT signs the assertions, because it shares no code with the issuer."""

import json
import secrets
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.utils import timezone
from jwt.algorithms import get_default_algorithms

ISSUER = "http://localhost:8000"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FAMILY = {"RS256": "RSA", "PS256": "RSA", "RS512": "RSA", "ES256": "EC", "EdDSA": "OKP"}


@cache
def private(family, name="own"):
    make = {
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
        "EC": lambda: ec.generate_private_key(ec.SECP256R1()),
        "OKP": ed25519.Ed25519PrivateKey.generate,
    }
    return make[family]()


def public_jwk(algorithm="ES256", name="own", **members):
    key = private(FAMILY[algorithm], name).public_key()
    jwk = json.loads(get_default_algorithms()[algorithm].to_jwk(key))
    return jwk | {"kid": f"{FAMILY[algorithm]}-{name}"} | members


def jwks(*algorithms):
    return {"keys": [public_jwk(algorithm) for algorithm in algorithms or ("ES256",)]}


def sign(client_id, /, *, algorithm="ES256", name="own", header=None, ago=0, **changes):
    now = int(timezone.now().timestamp()) - ago
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
    } | changes
    claims = {claim: value for claim, value in claims.items() if value is not None}
    headers = {"kid": f"{FAMILY[algorithm]}-{name}"} | (header or {})
    if headers["kid"] is None:
        del headers["kid"]
    return jwt.encode(claims, private(FAMILY[algorithm], name), algorithm=algorithm, headers=headers)


def proof(client_id, /, **changes):
    """Return the form parameters by which the client authenticates with its private key."""
    return {"client_assertion_type": TYPE, "client_assertion": sign(client_id, **changes)}
