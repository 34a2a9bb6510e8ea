#!/usr/bin/env bash
# python-jose 3.5.0: in a JWKS with an RSA and an EC key, the order decides which tokens verify.
#
# Behaviour: jwt.decode accepts a JWKS. It tries the keys in their order and reads neither `kid` nor `kty` first: each
# key is built for the algorithm of the token, and one of another type raises JWKError before the right one is tried. So
# a token that verifies today does not verify after the issuer publishes a key of another type before its own: a new
# algorithm for another client is enough. Issue 331 of the project describes the error for a set of many types.
# One would guess that `kid` chooses the key (RFC 7515 section 4.1.4), or at least that the order does not matter.
# Remedy: pass the key whose `kid` is that of jwt.get_unverified_header().
#
# Output seen:
#   RS256, keys RSA, EC: verified
#   RS256, keys EC, RSA: JWKError
#   ES256, keys RSA, EC: JWKError
#   ES256, keys EC, RSA: verified
#   RS256, keys EC, RSA, with the remedy: verified
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "python-jose[cryptography]==3.5.0" cryptography==50.0.2

cat >"$work/trial.py" <<'PYTHON'
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jwt
from jose.exceptions import JWKError


def pair(key, algorithm, kid):
    """Return the private key as PEM, and the public one as JWK."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return private, jwk.construct(private, algorithm).public_key().to_dict() | {"kid": kid, "use": "sig"}


private_rsa, public_rsa = pair(rsa.generate_private_key(65537, 2048), "RS256", "first")
private_ec, public_ec = pair(ec.generate_private_key(ec.SECP256R1()), "ES256", "second")
tokens = {
    "RS256": jwt.encode({"sub": "user"}, private_rsa, "RS256", headers={"kid": "first"}),
    "ES256": jwt.encode({"sub": "user"}, private_ec, "ES256", headers={"kid": "second"}),
}


def outcome(label, algorithm, keys):
    """Verify the token of the algorithm with the keys, and return what became of it."""
    try:
        jwt.decode(tokens[algorithm], keys, algorithms=[algorithm])
        seen = "verified"
    except JWKError as error:
        seen = type(error).__name__
    print(f"{label}: {seen}")
    return seen


rsa_first, ec_first = {"keys": [public_rsa, public_ec]}, {"keys": [public_ec, public_rsa]}
kid = jwt.get_unverified_header(tokens["RS256"])["kid"]
chosen = next(key for key in ec_first["keys"] if key["kid"] == kid)
seen = [
    outcome("RS256, keys RSA, EC", "RS256", rsa_first),
    outcome("RS256, keys EC, RSA", "RS256", ec_first),
    outcome("ES256, keys RSA, EC", "ES256", rsa_first),
    outcome("ES256, keys EC, RSA", "ES256", ec_first),
    outcome("RS256, keys EC, RSA, with the remedy", "RS256", chosen),
]
if seen != ["verified", "JWKError", "JWKError", "verified", "verified"]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
