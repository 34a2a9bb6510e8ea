#!/usr/bin/env bash
# joserfc 1.8.0 and jwcrypto 1.6.1: the JWKS of a signing key from WebCrypto says "sign", and they refuse it themselves.
#
# Behaviour: WebCrypto exports a private key as a JWK with key_ops ["sign"], and a public one with ["verify"] (RFC 7517
# section 4.3). joserfc and jwcrypto sign with such a private key. If they write its public part, they leave out `d`,
# and keep ["sign"]. Neither then verifies the signature: joserfc names the reason, jwcrypto says "Verification failed".
# PyJWT does not read the member and verifies, so a test with PyJWT does not show it.
# One would guess that the public part of a key is made to verify what the key signed.
# Remedy: remove key_ops from the private JWK before it is read, or from the public one before it is published.
#
# Output seen:
#   joserfc writes key_ops ['sign']: joserfc UnsupportedKeyOperationError, jwcrypto InvalidJWSSignature, PyJWT verified
#   jwcrypto writes key_ops ['sign']: joserfc UnsupportedKeyOperationError, jwcrypto InvalidJWSSignature, PyJWT verified
#   joserfc, with the remedy, writes key_ops None: joserfc verified, jwcrypto verified, PyJWT verified
#   jwcrypto, with the remedy, writes key_ops None: joserfc verified, jwcrypto verified, PyJWT verified
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq joserfc==1.8.0 jwcrypto==1.6.1 pyjwt==2.15.1 cryptography==50.0.2

cat >"$work/trial.py" <<'PYTHON'
import json

import jwt
from joserfc import jwt as joserfc_jwt
from joserfc.errors import UnsupportedKeyOperationError
from joserfc.jwk import ECKey, KeySet
from jwcrypto.jwk import JWK, JWKSet
from jwcrypto.jws import JWS, InvalidJWSSignature

HEADER = {"alg": "ES256", "kid": "first"}
# What crypto.subtle.exportKey("jwk", privateKey) returns, with a `kid`.
PRIVATE = ECKey.generate_key("P-256", {"kid": "first"}, private=True).as_dict(private=True)
PRIVATE |= {"key_ops": ["sign"], "ext": True}


def by_joserfc(private):
    """Return a token of the key, and its JWKS, both by joserfc."""
    key = ECKey.import_key(private)
    return joserfc_jwt.encode(HEADER, {"sub": "user"}, key), KeySet([key]).as_dict(private=False)


def by_jwcrypto(private):
    """Return a token of the key, and its JWKS, both by jwcrypto."""
    key, keys, token = JWK(**private), JWKSet(), JWS(json.dumps({"sub": "user"}))
    keys.add(key)
    token.add_signature(key, protected=json.dumps(HEADER))
    return token.serialize(compact=True), keys.export(private_keys=False, as_dict=True)


def verify_by_joserfc(token, document):
    joserfc_jwt.decode(token, KeySet.import_key_set(document), algorithms=["ES256"])


def verify_by_jwcrypto(token, document):
    JWS.from_jose_token(token).verify(JWKSet.from_json(json.dumps(document)).get_key("first"))


def verify_by_pyjwt(token, document):
    jwt.decode(token, jwt.PyJWKSet.from_dict(document)["first"], algorithms=["ES256"])


READERS = {"joserfc": verify_by_joserfc, "jwcrypto": verify_by_jwcrypto, "PyJWT": verify_by_pyjwt}


def outcome(verify, token, document):
    """Verify the token by the JWKS, and return what became of it."""
    try:
        verify(token, document)
    except (UnsupportedKeyOperationError, InvalidJWSSignature) as error:
        return type(error).__name__
    return "verified"


REFUSED = (["sign"], ["UnsupportedKeyOperationError", "InvalidJWSSignature", "verified"])
ACCEPTED = (None, ["verified"] * 3)
remedy = {name: value for name, value in PRIVATE.items() if name != "key_ops"}
for label, write, private, expected in (
    ("joserfc", by_joserfc, PRIVATE, REFUSED),
    ("jwcrypto", by_jwcrypto, PRIVATE, REFUSED),
    ("joserfc, with the remedy,", by_joserfc, remedy, ACCEPTED),
    ("jwcrypto, with the remedy,", by_jwcrypto, remedy, ACCEPTED),
):
    token, document = write(private)
    assert "d" not in document["keys"][0]
    seen = (document["keys"][0].get("key_ops"), [outcome(verify, token, document) for verify in READERS.values()])
    verdicts = ", ".join(" ".join(pair) for pair in zip(READERS, seen[1], strict=True))
    print(f"{label} writes key_ops {seen[0]}: {verdicts}")
    if seen != expected:
        raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
