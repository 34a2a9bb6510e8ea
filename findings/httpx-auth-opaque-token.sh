#!/usr/bin/env bash
# httpx-auth 0.23.1: an opaque access token without expires_in raises ValueError at each API call.
#
# Behaviour: `expires_in` is recommended, not required (RFC 6749 section 5.1). If it is missing, httpx-auth splits the
# access token at its dots and reads `exp`, as if it were a JWT. The API call with an opaque token raises ValueError
# ("not enough values to unpack"), and so does one with an encrypted JWT. No token is kept, so each call requests one.
# `except httpx.HTTPError`, which catches the errors of httpx and of httpx-auth, does not catch it.
# One would guess that a client does not look into an access token, as RFC 9068 section 6 demands of those that are
# JWTs, and that a token of an unknown lifetime is used.
# Remedy: override request_new_token, and return a lifetime if the issuer sent none.
#
# Output seen:
#   opaque, expires_in: calls 200, 200; token requests 1
#   JWT, no expires_in: calls 200, 200; token requests 1
#   opaque, no expires_in: calls ValueError, ValueError; token requests 2
#   encrypted JWT, no expires_in: calls ValueError, ValueError; token requests 2
#   opaque, no expires_in, with the remedy: calls 200, 200; token requests 1
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq httpx-auth==0.23.1 httpx==0.28.1

cat >"$work/trial.py" <<'PYTHON'
import json
import time
from base64 import urlsafe_b64encode

import httpx
from httpx_auth import OAuth2, OAuth2ClientCredentials


class WithLifetime(OAuth2ClientCredentials):
    """The remedy: use a token of an unknown lifetime for five minutes."""

    def request_new_token(self):
        found = super().request_new_token()
        return found if len(found) == 3 else (*found, 300)


def encoded(text):
    """Return the text as base64url."""
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def outcome(label, members, kind=OAuth2ClientCredentials):
    """Call an API twice, and return what happened."""
    requests = 0

    def answer(request):
        nonlocal requests
        if request.url.host == "api.example":
            return httpx.Response(200)
        requests += 1
        return httpx.Response(200, json={"token_type": "Bearer", **members})

    OAuth2.token_cache.clear()
    client = httpx.Client(transport=httpx.MockTransport(answer))
    address = "https://issuer.example/oauth/token"
    issuer_client = httpx.Client(transport=httpx.MockTransport(answer))
    auth = kind(address, client_id="client", client_secret="secret", client=issuer_client)
    calls = []
    for _ in range(2):
        try:
            calls.append(str(client.get("https://api.example/", auth=auth).status_code))
        except Exception as error:  # which one is the question
            calls.append(type(error).__name__)
    seen = f"calls {', '.join(calls)}; token requests {requests}"
    print(f"{label}: {seen}")
    return seen


OPAQUE = "f3c9a1e07b52"
SIGNED = f"{encoded('{}')}.{encoded(json.dumps({'exp': int(time.time()) + 3600}))}.signature"
ENCRYPTED = f"{encoded('{}')}.key.vector.text.tag"
GOOD = "calls 200, 200; token requests 1"
BAD = "calls ValueError, ValueError; token requests 2"
seen = [
    outcome("opaque, expires_in", {"access_token": OPAQUE, "expires_in": 3600}),
    outcome("JWT, no expires_in", {"access_token": SIGNED}),
    outcome("opaque, no expires_in", {"access_token": OPAQUE}),
    outcome("encrypted JWT, no expires_in", {"access_token": ENCRYPTED}),
    outcome("opaque, no expires_in, with the remedy", {"access_token": OPAQUE}, WithLifetime),
]
if seen != [GOOD, GOOD, BAD, BAD, GOOD]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
