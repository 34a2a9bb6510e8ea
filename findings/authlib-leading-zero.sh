#!/usr/bin/env bash
# Authlib 1.9.10: about one EC key in 128 becomes a JWK that other libraries refuse, and gets another thumbprint.
#
# Behaviour: RFC 7518 section 6.2.1.2 gives each coordinate of a JWK the full size of the curve, 32 bytes for P-256.
# authlib.jose writes them as numbers, without leading zero bytes. PyJWT and josepy refuse such a JWK. joserfc, which
# Authlib recommends in its place, reads it, but computes another thumbprint (RFC 7638) than for the same key in PEM.
# That is another `kid`, and another cnf.jkt of DPoP (RFC 9449 section 6.1). Pull request 91 of joserfc corrected it.
# One would guess that all keys of one curve are written alike: a test with a new key passes in 127 of 128 runs.
# Remedy: write the JWK with joserfc, from PEM.
#
# Output seen:
#   private values 1 to 1024, JWK with a short coordinate: Authlib 9, joserfc 0
#   JWK by Authlib, read by PyJWT: InvalidKeyError
#   JWK by Authlib, read by josepy: DeserializationError
#   JWK by Authlib, read by joserfc: another thumbprint
#   JWK by joserfc, read by PyJWT: accepted
#   JWK by joserfc, read by josepy: accepted
#   JWK by joserfc, read by joserfc: the same thumbprint
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq authlib==1.9.10 joserfc==1.8.0 pyjwt==2.15.1 josepy==2.2.0 cryptography==50.0.2

cat >"$work/trial.py" <<'PYTHON'
import warnings

import josepy
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

with warnings.catch_warnings(record=True):  # authlib.jose is deprecated
    from authlib.jose import JsonWebKey


def pem(value):
    """Return the public key of the private value."""
    return (
        ec.derive_private_key(value, ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def by_authlib(key):
    """Return the JWK that Authlib writes, without the `kid` that it adds."""
    jwk = JsonWebKey.import_key(key, {"kty": "EC"}).as_dict()
    return {name: jwk[name] for name in ("kty", "crv", "x", "y")}


def by_joserfc(key):
    """Return the JWK that joserfc writes."""
    return ECKey.import_key(key).as_dict()


def is_short(jwk):
    """True if a coordinate has fewer than 32 bytes, which are 43 characters of base64url."""
    return min(len(jwk["x"]), len(jwk["y"])) < 43


def outcome(label, read):
    """Read the JWK, and return what became of it."""
    try:
        seen = read() or "accepted"
    except (jwt.InvalidKeyError, josepy.errors.DeserializationError) as error:
        seen = type(error).__name__
    print(f"{label}: {seen}")
    return seen


def readers(jwk, key):
    """Return the functions that read the JWK of the key."""

    def with_thumbprint():
        same = ECKey.import_key(jwk).thumbprint() == ECKey.import_key(key).thumbprint()
        return "the same thumbprint" if same else "another thumbprint"

    return {
        "PyJWT": lambda: jwt.PyJWK(jwk, algorithm="ES256") and "",
        "josepy": lambda: josepy.JWK.from_json(jwk) and "",
        "joserfc": with_thumbprint,
    }


keys = [pem(value) for value in range(1, 1025)]
counts = [sum(is_short(write(key)) for key in keys) for write in (by_authlib, by_joserfc)]
print(f"private values 1 to 1024, JWK with a short coordinate: Authlib {counts[0]}, joserfc {counts[1]}")
affected = next(key for key in keys if is_short(by_authlib(key)))
seen = [
    outcome(f"JWK by {name}, read by {reader}", read)
    for name, write in (("Authlib", by_authlib), ("joserfc", by_joserfc))
    for reader, read in readers(write(affected), affected).items()
]
expected = ["InvalidKeyError", "DeserializationError", "another thumbprint"]
expected += ["accepted", "accepted", "the same thumbprint"]
if counts != [9, 0] or seen != expected:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
