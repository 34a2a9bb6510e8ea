#!/usr/bin/env bash
# Authlib 1.9.10 with Flask 3.1.3: a new key of a new algorithm breaks each login until the application is restarted.
#
# Behaviour: if an ID token names a `kid` that the client does not know, it fetches the JWKS again, so a new RSA key
# for RS256 works at once. The discovery document is fetched once per process, regardless of Cache-Control. Its
# id_token_signing_alg_values_supported is the list of what parse_id_token accepts: after the issuer adds ES256 and
# signs by it, authorize_access_token raises UnsupportedAlgorithmError, and fetches neither the document nor the JWKS.
# One would guess that a client that follows a change of keys follows the change of their algorithm, which the issuer
# announces in the document beside them.
# Remedy: before logins, server_metadata.pop("_loaded_at", None) about once an hour, which makes the client load the
# document again; or an issuer that lists the algorithm long before it signs by it.
#
# Output seen:
#   RS256, first login: logged in; fetched discovery, jwks
#   RS256, new key: logged in; fetched jwks
#   ES256, new key: UnsupportedAlgorithmError; fetched nothing
#   ES256, next login: UnsupportedAlgorithmError; fetched nothing
#   ES256, with the remedy: logged in; fetched discovery, jwks
#
# Needs python3 with venv and pip. After the installation, traffic is on loopback. Exits with 1 if the behaviour
# differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq authlib==1.9.10 joserfc==1.8.0 flask==3.1.3 requests==2.34.2

cat >"$work/trial.py" <<'PYTHON'
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.flask_client import OAuth
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

KEYS = [
    RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256", "use": "sig"}),
    RSAKey.generate_key(2048, {"kid": "2", "alg": "RS256", "use": "sig"}),
    ECKey.generate_key("P-256", {"kid": "3", "alg": "ES256", "use": "sig"}),
]


class Issuer(BaseHTTPRequestHandler):
    """Publish all keys so far, and sign by the last one."""

    keys, fetched, nonce = [], [], ""

    def do_GET(self):
        name = {"/.well-known/openid-configuration": "discovery", "/jwks": "jwks"}[self.path]
        self.fetched.append(name)
        self.answer(getattr(self, name)())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        key, now = self.keys[-1], int(time.time())
        claims = {"iss": issuer, "aud": "client", "sub": "user", "iat": now, "exp": now + 300, "nonce": self.nonce}
        header = {"alg": key.alg, "kid": key.kid}
        id_token = jwt.encode(header, claims, key, algorithms=[key.alg])
        self.answer({"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": id_token})

    def discovery(self):
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "id_token_signing_alg_values_supported": sorted({key.alg for key in self.keys}),
        }

    def jwks(self):
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def answer(self, members):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(json.dumps(members).encode())

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
issuer = f"http://127.0.0.1:{server.server_port}"
Thread(target=server.serve_forever, daemon=True).start()

app = Flask(__name__)
app.secret_key = "a secret of a trial"
oauth = OAuth(app)
oauth.register(
    "notes",
    client_id="client",
    client_secret="secret",
    server_metadata_url=f"{issuer}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid"},
)


@app.get("/login")
def login():
    return oauth.notes.authorize_redirect("https://app.example/callback")


@app.get("/callback")
def callback():
    try:
        user = oauth.notes.authorize_access_token()["userinfo"]
    except Exception as error:
        return type(error).__name__
    assert user["sub"] == "user"
    return "logged in"


def outcome(label, keys, remedy=False):
    """Log in by a new browser, and return how it ends and what the client fetched meanwhile."""
    Issuer.keys = keys
    Issuer.fetched.clear()
    if remedy:
        oauth.notes.server_metadata.pop("_loaded_at", None)
    browser = app.test_client()
    sent = parse_qs(urlsplit(browser.get("/login").location).query)
    Issuer.nonce = sent["nonce"][0]
    answer = browser.get("/callback", query_string={"code": "code", "state": sent["state"][0]}).text
    seen = f"{answer}; fetched {', '.join(Issuer.fetched) or 'nothing'}"
    print(f"{label}: {seen}")
    return seen


seen = [
    outcome("RS256, first login", KEYS[:1]),
    outcome("RS256, new key", KEYS[:2]),
    outcome("ES256, new key", KEYS),
    outcome("ES256, next login", KEYS),
    outcome("ES256, with the remedy", KEYS, remedy=True),
]
server.shutdown()
if seen != [
    "logged in; fetched discovery, jwks",
    "logged in; fetched jwks",
    "UnsupportedAlgorithmError; fetched nothing",
    "UnsupportedAlgorithmError; fetched nothing",
    "logged in; fetched discovery, jwks",
]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
