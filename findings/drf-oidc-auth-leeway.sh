#!/usr/bin/env bash
# drf-oidc-auth 4.0.0: OIDC_LEEWAY, 600 s by default, is also the leeway after exp.
#
# Behaviour: the setting is described as the number of seconds in the past that valid tokens can be issued, and it is
# that: a token whose iat is older is refused as too old. The same number is passed to the check of exp as its leeway.
# So a token of five minutes is accepted for ten, five of them after it expired.
# One would guess that a limit for old tokens makes none of them valid longer, and that an expired token is refused
# within the minute or so that other libraries allow for wrong clocks.
# Remedy: issue tokens to such an API that live exactly OIDC_LEEWAY, or set OIDC_LEEWAY to the lifetime of the tokens.
#
# Output seen:
#   expired 299 s ago, issued 599 s ago: accepted
#   expired 1 s ago, issued 601 s ago: JWT too old
#   expired 601 s ago, issued 602 s ago: JWT has expired
#   OIDC_LEEWAY=300, expired 299 s ago, issued 299 s ago: accepted
#   OIDC_LEEWAY=300, expired 1 s ago, issued 301 s ago: JWT too old
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq drf-oidc-auth==4.0.0 django==5.2.19 djangorestframework==3.18.3 joserfc==1.8.0

cat >"$work/trial.py" <<'PYTHON'
import sys
import time

import django
from django.conf import settings

settings.configure(OIDC_AUTH={"OIDC_CLAIMS_OPTIONS": {"aud": {"essential": True, "value": "api"}}})
django.setup()

from oidc_auth.authentication import JSONWebTokenAuthentication
from oidc_auth.settings import api_settings
from rest_framework.exceptions import AuthenticationFailed


class Authentication(JSONWebTokenAuthentication):
    """Knows the issuer without a request for its metadata."""

    issuer = "https://issuer.example"


def judge(expired, issued):
    """Return what becomes of a token's claims; both arguments are seconds ago."""
    now = int(time.time())
    claims = {"iss": Authentication.issuer, "aud": "api", "exp": now - expired, "iat": now - issued}
    try:
        Authentication().validate_claims(claims)
    except AuthenticationFailed as error:
        return str(error.detail).removeprefix("Invalid Authorization header. ").rstrip(".")
    return "accepted"


lines = [f"expired {a} s ago, issued {b} s ago: {judge(a, b)}" for a, b in ((299, 599), (1, 601), (601, 602))]
api_settings.OIDC_LEEWAY = 300
lines += [f"OIDC_LEEWAY=300, expired {a} s ago, issued {b} s ago: {judge(a, b)}" for a, b in ((299, 299), (1, 301))]
print("\n".join(lines))
answers = [line.rpartition(": ")[2] for line in lines]
sys.exit(answers != ["accepted", "JWT too old", "JWT has expired", "accepted", "JWT too old"])
PYTHON
"$work/venv/bin/python" "$work/trial.py"
