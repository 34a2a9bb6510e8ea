#!/usr/bin/env bash
# msal 1.39.0: if the issuer grants fewer scopes than requested, each acquire_token_silent refreshes a valid token.
#
# Behaviour: msal keeps a token under the scopes of the answer, and acquire_token_silent looks for one that has all
# scopes of the call. A user who grants notes:read of notes:read and notes:write has a token that is never found again:
# each call sends the refresh token, requests both scopes once more, and returns another token for notes:read.
# One would guess that a token that is valid for an hour is requested once an hour, with any scopes that the user
# grants.
# Remedy: compare `scope` of the login's result, and pass the granted scopes to acquire_token_silent.
#
# Output seen:
#   both scopes granted, 3 calls: 0 refreshes
#   notes:read granted, 3 calls: 3 refreshes
#   notes:read granted, 3 calls for notes:read: 0 refreshes
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq msal==1.39.0 pyjwt==2.15.1

cat >"$work/trial.py" <<'PYTHON'
import json
import time
from hashlib import sha256

import jwt
import msal
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://issuer.example/sso"
KEY = rsa.generate_private_key(65537, 2048)
BOTH = ["notes:read", "notes:write"]


class Answer:
    """An answer in the form that msal reads."""

    status_code, headers = 200, {}

    def __init__(self, **members):
        self.text = json.dumps(members)

    def raise_for_status(self):
        pass


class Issuer:
    """Answer as the issuer, in this process, and count the refreshes."""

    def __init__(self, granted):
        self.scope = f"openid profile offline_access {granted}"
        self.nonce = ""
        self.refreshes = 0

    def get(self, url, **kwargs):
        return Answer(issuer=ISSUER, authorization_endpoint=f"{ISSUER}/authorize", token_endpoint=f"{ISSUER}/token")

    def post(self, url, data, **kwargs):
        answer = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600, "scope": self.scope}
        answer["refresh_token"] = "refresh"
        if data["grant_type"] == "refresh_token":
            self.refreshes += 1
        else:
            now = int(time.time())
            claims = {"iss": ISSUER, "aud": "client", "sub": "user", "iat": now, "exp": now + 300, "nonce": self.nonce}
            answer["id_token"] = jwt.encode(claims, KEY, "RS256")
        return Answer(**answer)

    def close(self):
        pass


def refreshes(label, granted, scopes):
    """Log in for both scopes, call acquire_token_silent three times, and return the number of refreshes."""
    issuer = Issuer(granted)
    application = msal.ConfidentialClientApplication(
        "client", client_credential="secret", oidc_authority=ISSUER, http_client=issuer
    )
    flow = application.initiate_auth_code_flow(BOTH, "https://app.example/callback", response_mode="form_post")
    issuer.nonce = sha256(flow["nonce"].encode()).hexdigest()  # msal sends this value
    assert "access_token" in application.acquire_token_by_auth_code_flow(flow, {"code": "c", "state": flow["state"]})
    (account,) = application.get_accounts()
    for _ in range(3):
        assert application.acquire_token_silent(scopes, account)["access_token"] == "opaque"
    print(f"{label}: {issuer.refreshes} refreshes")
    return issuer.refreshes


seen = [
    refreshes("both scopes granted, 3 calls", "notes:read notes:write", BOTH),
    refreshes("notes:read granted, 3 calls", "notes:read", BOTH),
    refreshes("notes:read granted, 3 calls for notes:read", "notes:read", ["notes:read"]),
]
if seen != [0, 3, 0]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
