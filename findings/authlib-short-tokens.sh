#!/usr/bin/env bash
# Authlib 1.9.10: a client session treats a token as expired 60 seconds before its end.
#
# Behaviour: if an issuer answers with expires_in=30, the token counts as expired at the moment it arrives.
# A session of the client credentials grant therefore requests a new token before each API call and says nothing.
# A session without a refresh token and without a token endpoint raises InvalidTokenError on its first call.
# One would guess that a token is used until it expires, or at least once.
# Remedy: pass leeway=0, or any leeway below the lifetime of the tokens.
#
# Output seen:
#   a token of 30 s, just received, is expired: True
#   3 API calls with tokens of 30 s: 4 token requests
#   3 API calls with tokens of 30 s and leeway=0: 1 token request
#   3 API calls with tokens of 300 s: 1 token request
#   a valid token of 30 s without an endpoint to renew it: InvalidTokenError
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq authlib==1.9.10 requests==2.34.2

cat >"$work/trial.py" <<'PYTHON'
import json

from authlib.integrations.base_client import InvalidTokenError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749 import OAuth2Token
from requests import Response
from requests.adapters import BaseAdapter

ISSUER, API = "https://issuer.example/token", "https://api.example/notes"


class Answers(BaseAdapter):
    """Answer as the issuer and as the API, in this process, and count the token requests."""

    def __init__(self, lifetime):
        super().__init__()
        self.lifetime = lifetime  # seconds
        self.token_requests = 0

    def send(self, request, **kwargs):
        response = Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response.headers["Content-Type"] = "application/json"
        body = {}
        if request.url == ISSUER:
            self.token_requests += 1
            body = {"access_token": "opaque", "token_type": "Bearer", "expires_in": self.lifetime}
        response._content = json.dumps(body).encode()
        return response

    def close(self):
        pass


def token_requests(lifetime, **options):
    """Fetch a token, call the API three times and return how many tokens the session requested."""
    answers = Answers(lifetime)
    session = OAuth2Session("client", "secret", token_endpoint=ISSUER, grant_type="client_credentials", **options)
    session.mount("https://", answers)
    session.fetch_token(ISSUER)
    for _ in range(3):
        assert session.get(API).status_code == 200
    return answers.token_requests


expired = OAuth2Token({"access_token": "opaque", "expires_in": 30}).is_expired()
short, without_leeway, long = token_requests(30), token_requests(30, leeway=0), token_requests(300)

bare = OAuth2Session("client", token={"access_token": "opaque", "token_type": "Bearer", "expires_in": 30})
bare.mount("https://", Answers(30))
try:
    bare.get(API)
    raised = "nothing"
except InvalidTokenError:
    raised = "InvalidTokenError"

print("a token of 30 s, just received, is expired:", expired)
print("3 API calls with tokens of 30 s:", short, "token requests")
print("3 API calls with tokens of 30 s and leeway=0:", without_leeway, "token request")
print("3 API calls with tokens of 300 s:", long, "token request")
print("a valid token of 30 s without an endpoint to renew it:", raised)
if (expired, short, without_leeway, long, raised) != (True, 4, 1, 1, "InvalidTokenError"):
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
