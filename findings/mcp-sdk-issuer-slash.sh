#!/usr/bin/env bash
# The MCP Python SDK (mcp) 2.3.0: its protected resource metadata adds a slash to an issuer without a path.
#
# Behaviour: create_protected_resource_routes serves the document of RFC 9728. An issuer that is given as
# https://issuer.example stands in authorization_servers as https://issuer.example/, because the argument is a pydantic
# URL. RFC 8414 section 3.3 has clients compare the issuer character by character, so that is another issuer.
# One would guess that the document names the issuer as it was given.
# Remedy: serve the document by a route of one's own, from the string.
#
# Output seen:
#   given https://issuer.example, served https://issuer.example/
#   given https://issuer.example/tenant, served https://issuer.example/tenant
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq mcp==2.3.0

cat >"$work/trial.py" <<'PYTHON'
import asyncio
import json
import sys

from mcp.server.auth.routes import create_protected_resource_routes
from pydantic import AnyHttpUrl
from starlette.applications import Starlette


async def served(issuer):
    """Return the authorization server that the document names."""
    urls = {"resource_url": AnyHttpUrl("https://mcp.example/mcp"), "authorization_servers": [AnyHttpUrl(issuer)]}
    routes = create_protected_resource_routes(**urls)
    path, sent = routes[0].path, []
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": []}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await Starlette(routes=routes)(scope, receive, send)
    return json.loads(b"".join(message.get("body", b"") for message in sent))["authorization_servers"][0]


issuers = ("https://issuer.example", "https://issuer.example/tenant")
answers = [asyncio.run(served(issuer)) for issuer in issuers]
for issuer, answer in zip(issuers, answers):
    print(f"given {issuer}, served {answer}")
sys.exit(answers != ["https://issuer.example/", "https://issuer.example/tenant"])
PYTHON
"$work/venv/bin/python" "$work/trial.py"
