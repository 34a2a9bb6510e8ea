"""The example MCP server (examples/mcp), an issuer's settings for it, and client metadata documents."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.clients.recipes import environments, programs
from tests.clients.recipes.stack import Stack
from tests.ports import free

OPEN = {
    "CLIENT_ID_METADATA_DOCUMENTS": "true",
    "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS": "true",
    "DYNAMIC_REGISTRATION": "open",
    "OPEN_CLIENT_SCOPES": "mcp:read,mcp:write",
}
"""The settings of docs/mcp.md for clients that are not registered."""


def create_api(keyturn: Stack, resource: str) -> None:
    """Register the MCP server at the URL `resource` as an API with the scopes of its tools, as docs/mcp.md does."""
    keyturn.command(
        *("create_api", "--identifier", resource, "--name", "Notes by MCP"),
        *("--scope", "mcp:read=Read your notes", "--scope", "mcp:write=Add notes in your name"),
    )


@contextmanager
def running(keyturn: Stack, resource: str, folder: Path) -> Iterator[str]:
    """Run the example MCP server at the URL `resource` while the block runs, and yield this URL."""
    variables = keyturn.trust() | {"ISSUER_URL": keyturn.issuer, "MCP_RESOURCE": resource, "REVOCATIONS_EVERY": "0.5"}
    variables |= {"PYTHONPATH": str(environments.ROOT), "KEY_POLICY": keyturn.variables.issuer["KEY_POLICY"]}
    command = [environments.python("mcp"), "-m", "examples.mcp.server"]
    with programs.website(command, folder, variables, url=resource):
        yield resource


@dataclass(slots=True)
class Documents:
    """A website with the client ID metadata document of one client. `fetched` counts the requests for the document."""

    url: str
    fetched: int = 0


@contextmanager
def documents(keyturn: Stack, redirect_uri: str) -> Iterator[Documents]:
    """Serve a client's metadata document over TLS, with a certificate that the issuer trusts."""
    port = free()
    site = Documents(f"https://localhost:{port}/client.json")
    document = {
        "client_id": site.url,
        "client_name": "Notes agent",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.fetched += 1
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keyturn.certificate.with_suffix(".pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
