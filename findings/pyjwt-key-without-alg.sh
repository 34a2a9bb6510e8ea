#!/usr/bin/env bash
# PyJWT 2.15.1 with joserfc 1.8.0: a key from PyJWKClient verifies RS256 alone if its JWK has no `alg`.
#
# Behaviour: `alg` of a JWK is optional (RFC 7517 section 4.4), and joserfc does not write it unless asked to.
# PyJWKClient returns a PyJWK, and a PyJWK of an RSA key without `alg` is one for RS256. jwt.decode then refuses PS256
# and RS512 (InvalidAlgorithmError), although the caller's `algorithms` names them and nothing in the JWKS excludes
# them. The example for OpenID Connect in PyJWT's documentation passes the PyJWK and the algorithms of the discovery
# document. joserfc and jwcrypto verify the same tokens. Issue 584 of mozilla-django-oidc is about RS384.
# One would guess that `algorithms` decides if the key does not, and that a key without `alg` serves each algorithm of
# its type.
# Remedy: pass the attribute `key` of the PyJWK. `algorithms` then decides.
#
# Output seen:
#   RS256, no alg in the JWK: PyJWT verified, joserfc verified, jwcrypto verified
#   RS512, no alg in the JWK: PyJWT InvalidAlgorithmError, joserfc verified, jwcrypto verified
#   PS256, no alg in the JWK: PyJWT InvalidAlgorithmError, joserfc verified, jwcrypto verified
#   PS256, alg in the JWK: PyJWT verified, joserfc verified, jwcrypto verified
#   PS256, no alg in the JWK, with the remedy: PyJWT verified, joserfc verified, jwcrypto verified
#
# Needs python3 with venv and pip. After the installation, traffic is on loopback. Exits with 1 if the behaviour
# differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pyjwt==2.15.1 joserfc==1.8.0 jwcrypto==1.6.1

cat >"$work/trial.py" <<'PYTHON'
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import jwt as pyjwt
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT

KEY = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})


def by_pyjwt(token, algorithm, address, remedy):
    """Verify the token as PyJWT's documentation of PyJWKClient does, or with the remedy."""
    key = pyjwt.PyJWKClient(address).get_signing_key_from_jwt(token)
    return pyjwt.decode(token, key.key if remedy else key, algorithms=[algorithm])


def by_joserfc(token, algorithm, jwks):
    return jwt.decode(token, KeySet.import_key_set(jwks), algorithms=[algorithm]).claims


def by_jwcrypto(token, algorithm, jwks):
    return json.loads(JWT(jwt=token, key=JWKSet.from_json(json.dumps(jwks)), algs=[algorithm]).claims)


def outcome(verify, *arguments):
    try:
        claims = verify(*arguments)
    except Exception as error:
        return type(error).__name__
    assert claims == {"sub": "user"}
    return "verified"


def trial(label, algorithm, remedy=False, **members):
    """Sign a token, publish the JWKS, and return which libraries verify the token."""
    jwks = {"keys": [KEY.as_dict(private=False, **members)]}
    assert jwks["keys"][0].get("alg") == members.get("alg")
    token = jwt.encode({"alg": algorithm, "kid": "1"}, {"sub": "user"}, KEY, algorithms=[algorithm])

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/jwk-set+json")
            self.end_headers()
            self.wfile.write(json.dumps(jwks).encode())

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Issuer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        seen = (
            outcome(by_pyjwt, token, algorithm, f"http://127.0.0.1:{server.server_port}/jwks", remedy),
            outcome(by_joserfc, token, algorithm, jwks),
            outcome(by_jwcrypto, token, algorithm, jwks),
        )
        server.shutdown()
    print("{}: PyJWT {}, joserfc {}, jwcrypto {}".format(label, *seen))
    return seen[0] if seen[1:] == ("verified", "verified") else seen


seen = [
    trial("RS256, no alg in the JWK", "RS256"),
    trial("RS512, no alg in the JWK", "RS512"),
    trial("PS256, no alg in the JWK", "PS256"),
    trial("PS256, alg in the JWK", "PS256", alg="PS256"),
    trial("PS256, no alg in the JWK, with the remedy", "PS256", remedy=True),
]
if seen != ["verified", "InvalidAlgorithmError", "InvalidAlgorithmError", "verified", "verified"]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
