#!/usr/bin/env bash
# requests_oauth2client 1.8.0: with a DPoP token, each 401 of an API that uses no nonces becomes an exception.
#
# Behaviour: DPoPToken takes every 401 whose challenge has the scheme DPoP for a request for a nonce, without a look at
# `error`. An expired token (error="invalid_token", RFC 9449 section 7.1) raises MissingDPoPNonce from within
# session.get(), and the caller has no response. A Bearer challenge is returned as the response.
# One would guess that only error="use_dpop_nonce" (section 9) is treated so, and that a 401 can be read.
# Remedy: catch MissingDPoPNonce as a 401; its attribute `response` has the answer.
#
# Output seen:
#   Bearer, invalid_token: 401
#   DPoP, invalid_token: MissingDPoPNonce, response 401
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq requests_oauth2client==1.8.0

cat >"$work/trial.py" <<'PYTHON'
import sys

import requests
from requests.adapters import BaseAdapter
from requests_oauth2client import BearerToken, DPoPKey, DPoPToken
from requests_oauth2client.dpop import MissingDPoPNonce


class ExpiredToken(BaseAdapter):
    """Answer each request as an API answers an expired token."""

    def send(self, request, **options):
        response = requests.Response()
        response.status_code, response.request, response.connection = 401, request, self
        scheme = request.headers["Authorization"].partition(" ")[0]
        response.headers["WWW-Authenticate"] = f'{scheme} error="invalid_token"'
        response._content = b""
        return response

    def close(self):
        pass


def answer(token):
    """Return the status that the caller gets, or the name of the exception and the status in its response."""
    session = requests.Session()
    session.mount("https://", ExpiredToken())
    try:
        return str(session.get("https://api.example/", auth=token).status_code)
    except MissingDPoPNonce as error:
        return f"MissingDPoPNonce, response {error.response.status_code}"


bearer = answer(BearerToken("access-token"))
dpop = answer(DPoPToken("access-token", _dpop_key=DPoPKey.generate("ES256")))
print("Bearer, invalid_token:", bearer)
print("DPoP, invalid_token:", dpop)
sys.exit((bearer, dpop) != ("401", "MissingDPoPNonce, response 401"))
PYTHON
"$work/venv/bin/python" "$work/trial.py"
