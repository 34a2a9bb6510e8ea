#!/usr/bin/env bash
# joserfc 1.8.0 and PyJWT 2.15.1: no name of the Ed25519 signature serves both without a warning.
#
# Behaviour: RFC 9864 registers `Ed25519` and deprecates `EdDSA`. PyJWT signs and verifies `EdDSA` alone. joserfc refuses
# both unless the algorithm is named, and with ["EdDSA"] it warns (SecurityWarning) for each token: with warnings as
# errors, as many test suites have them, a valid token does not verify.
# One would guess that the algorithm of an Ed25519 key in a JWKS has one name in Python's libraries.
# Remedy: sign with RS256 or ES256 for readers that are not known; or filter joserfc's SecurityWarning.
#
# Output seen:
#   PyJWT signs Ed25519: NotImplementedError
#   joserfc verifies PyJWT's EdDSA, default: UnsupportedAlgorithmError
#   joserfc verifies PyJWT's EdDSA, ["EdDSA"]: verified, SecurityWarning
#   PyJWT verifies joserfc's Ed25519: InvalidAlgorithmError
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq joserfc==1.8.0 "pyjwt[crypto]==2.15.1"

cat >"$work/trial.py" <<'PYTHON'
import sys
import warnings

import jwt as pyjwt
from joserfc import jwt
from joserfc.jwk import OKPKey

key = OKPKey.generate_key("Ed25519")
private, public = key.as_pem(private=True), key.as_pem(private=False)


def attempt(step):
    """Return "verified" with the names of the warnings, or the name of the exception."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            step()
        except Exception as error:
            return type(error).__name__
    return ", ".join(["verified", *sorted({type(warning.message).__name__ for warning in seen})])


token = pyjwt.encode({"sub": "alice"}, private, algorithm="EdDSA")
other = jwt.encode({"alg": "Ed25519"}, {"sub": "alice"}, key, algorithms=["Ed25519"])
answers = {
    "PyJWT signs Ed25519": attempt(lambda: pyjwt.encode({}, private, algorithm="Ed25519")),
    "joserfc verifies PyJWT's EdDSA, default": attempt(lambda: jwt.decode(token, key)),
    'joserfc verifies PyJWT\'s EdDSA, ["EdDSA"]': attempt(lambda: jwt.decode(token, key, algorithms=["EdDSA"])),
    "PyJWT verifies joserfc's Ed25519": attempt(lambda: pyjwt.decode(other, public, algorithms=["EdDSA"])),
}
for name, answer in answers.items():
    print(f"{name}: {answer}")
expected = ["NotImplementedError", "UnsupportedAlgorithmError", "verified, SecurityWarning", "InvalidAlgorithmError"]
sys.exit(list(answers.values()) != expected)
PYTHON
"$work/venv/bin/python" "$work/trial.py"
