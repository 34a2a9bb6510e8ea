#!/usr/bin/env bash
# msal 1.39.0: after a 503 for the token of one user, the on-behalf-of requests of all users fail without being sent.
#
# Behaviour: msal keeps an answer of 429, of 5xx or with Retry-After, and returns it for equal requests until
# Retry-After is over (60 seconds without the header, an hour at most). Requests are equal if client, scopes and
# refresh token, code, user name or user ID are equal. An on-behalf-of request has none of the four: it has an
# assertion, which msal does not compare. So an API that exchanges its callers' tokens gets the 503 for one caller as
# the answer for each other one. A comment in the source calls the comparison an approximation of the account. The
# documentation of http_cache says that answers without tokens are kept, and not which ones.
# One would guess that a temporary error of one user's token leaves the other users alone, as it does for refreshes.
# Remedy: a ConfidentialClientApplication for each user, with one token_cache for all of them.
#
# Output seen:
#   on behalf of: alice HTTP Error: 503, bob HTTP Error: 503, carol HTTP Error: 503; requests of alice
#   on behalf of, with the remedy: alice HTTP Error: 503, bob token, carol token; requests of alice, bob, carol
#   refresh: alice HTTP Error: 503, bob token, carol token; requests of alice, bob, carol
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq msal==1.39.0

cat >"$work/trial.py" <<'PYTHON'
import json

import msal
from msal.exceptions import MsalServiceError

ISSUER = "https://issuer.example/sso"
SCOPES = ["notes:read"]


class Answer:
    """An answer in the form that msal reads."""

    def __init__(self, status_code=200, headers=(), **members):
        self.status_code, self.headers, self.text = status_code, dict(headers), json.dumps(members)


class Issuer:
    """Answer as the issuer, in this process, and note whose requests arrive. For alice, it is unavailable."""

    def __init__(self):
        self.users = []

    def get(self, url, **kwargs):
        return Answer(issuer=ISSUER, authorization_endpoint=f"{ISSUER}/authorize", token_endpoint=f"{ISSUER}/token")

    def post(self, url, data, **kwargs):
        user = data.get("assertion") or data["refresh_token"]
        self.users.append(user)
        if user == "alice":
            return Answer(503, {"Retry-After": "60"}, error="temporarily_unavailable")
        return Answer(access_token=f"{user} token", token_type="Bearer", expires_in=300)

    def close(self):
        pass


def on_behalf_of(application, user):
    return application.acquire_token_on_behalf_of(user, SCOPES)


def refresh(application, user):
    return application.acquire_token_by_refresh_token(user, SCOPES)


def outcome(label, request, one_for_each=False):
    """Send the request of three users, and return their results and the users whose requests arrived."""
    issuer = Issuer()
    cache = msal.TokenCache()

    def application():
        return msal.ConfidentialClientApplication(
            "client", client_credential="secret", oidc_authority=ISSUER, http_client=issuer, token_cache=cache
        )

    shared = application()
    results = []
    for user in ("alice", "bob", "carol"):
        try:
            answer = request(application() if one_for_each else shared, user)
        except MsalServiceError as error:
            results.append(f"{user} {error}")
        else:
            results.append(answer["access_token"])
    seen = f"{', '.join(results)}; requests of {', '.join(issuer.users)}"
    print(f"{label}: {seen}")
    return seen


alone = "alice HTTP Error: 503, bob token, carol token; requests of alice, bob, carol"
seen = [
    outcome("on behalf of", on_behalf_of),
    outcome("on behalf of, with the remedy", on_behalf_of, one_for_each=True),
    outcome("refresh", refresh),
]
if seen != ["alice HTTP Error: 503, bob HTTP Error: 503, carol HTTP Error: 503; requests of alice", alone, alone]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
