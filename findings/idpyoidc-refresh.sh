#!/usr/bin/env bash
# idpyoidc 5.0.0: a client with the default configuration logs users in, and cannot refresh their tokens.
#
# Behaviour: the code is redeemed with the secret, although the configuration names no method of authentication. The
# refresh looks its method (client_secret_basic) up in another place, which is empty, and raises Unsupported.
# One would guess that the method that redeemed the code serves the refresh, too.
# Remedy: "client_authn_methods": ["client_secret_basic"] in the configuration of the client.
#
# Output seen:
#   code: Authorization: Basic
#   refresh: Unsupported
#   refresh, with client_authn_methods: Authorization: Basic
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq idpyoidc==5.0.0

cat >"$work/trial.py" <<'PYTHON'
import logging
import warnings

from idpyoidc.client.exception import Unsupported
from idpyoidc.client.rp_handler import RPHandler

logging.disable()
warnings.simplefilter("ignore")
ISSUER = "https://issuer.example"
ENDPOINTS = {name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")}


def client(**changed):
    """Return a client that has redeemed a code, and the key of its session."""
    config = {
        "issuer": ISSUER,
        "client_id": "client",
        "client_secret": "a secret of a trial",
        "client_type": "oidc",
        "redirect_uris": ["https://app.example/callback"],
        "response_types": ["code"],
        "provider_info": {"issuer": ISSUER, **ENDPOINTS},
        **changed,
    }
    handler = RPHandler(base_url="https://app.example", client_configs={ISSUER: config})
    url = handler.begin(ISSUER)
    one = handler.issuer2rp[ISSUER]
    state = url.partition("state=")[2].partition("&")[0]
    one.get_context().cstate.update(state, {"code": "code", "refresh_token": "refresh token", "access_token": "token"})
    return one, state


def header(one, state, service, method):
    """Return the scheme of the Authorization header that a request has, or the name of the error."""
    try:
        request = one.get_service(service).get_request_parameters(
            request_args={"state": state}, state=state, authn_method=method
        )
    except Unsupported as error:
        return type(error).__name__
    return "Authorization: " + request["headers"]["Authorization"].partition(" ")[0]


one, state = client()
code = header(one, state, "accesstoken", "client_secret_basic")
refresh = header(one, state, "refresh_token", one.get_service("refresh_token").get_authn_method())
one, state = client(client_authn_methods=["client_secret_basic"])
remedied = header(one, state, "refresh_token", one.get_service("refresh_token").get_authn_method())
print("code:", code)
print("refresh:", refresh)
print("refresh, with client_authn_methods:", remedied)
if (code, refresh, remedied) != ("Authorization: Basic", "Unsupported", "Authorization: Basic"):
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
