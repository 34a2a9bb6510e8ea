"""The MCP server: two tools, each of which needs a scope, and the metadata that names the issuer to clients.

`python -m examples.mcp.server` starts it.
"""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import uvicorn
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from examples.mcp.guard import Guard, Needs
from examples.mcp.trust import verifier
from resources.keysets.key_policy import POLICIES, Timing

NEEDS = Needs(always="mcp:read", tools={"list_notes": "mcp:read", "add_note": "mcp:write"})
NOTES: dict[str, list[str]] = defaultdict(list)
"""The notes of each user, by `sub`. They live as long as the process."""


REGISTER_AT_ISSUER = (
    "Clients do not register here. Register the client at the issuer (manage.py create_client), or let it admit unknown"
    " clients: CLIENT_ID_METADATA_DOCUMENTS or DYNAMIC_REGISTRATION."
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the MCP server, which are read from environment variables (docs/mcp.md).

    `poll_every` is the interval between two polls of the revocation feed, in seconds.
    """

    issuer: str
    resource: str
    timing: Timing
    poll_every: float

    @classmethod
    def read(cls) -> "Settings":
        """Return the settings that the environment variables of this process define."""
        return cls(
            issuer=os.environ.get("ISSUER_URL", "http://localhost:8000"),
            resource=os.environ.get("MCP_RESOURCE", "http://localhost:8003/mcp"),
            timing=POLICIES[os.environ.get("KEY_POLICY", "production")],
            poll_every=float(os.environ.get("REVOCATIONS_EVERY", "30")),
        )


def list_notes() -> list[str]:
    """Return the notes of the user whose token the request has."""
    return NOTES[_subject()]


def add_note(text: str) -> str:
    """Add a note for the user whose token the request has."""
    NOTES[_subject()].append(text)
    return "added"


def _subject() -> str:
    """Return the `sub` of the token with which the client calls the tool. Raises RuntimeError if there is no token."""
    token = get_access_token()
    if token is None or token.subject is None:
        raise RuntimeError("The guard lets no request without a token through")
    return str(token.subject)


def tools() -> MCPServer:
    """Return the MCP server with its tools. Raises ValueError unless NEEDS has a scope for each tool."""
    server: MCPServer = MCPServer("Notes")
    functions = {function.__name__: function for function in (list_notes, add_note)}
    if functions.keys() != NEEDS.tools.keys():
        raise ValueError("NEEDS must name the scope of each tool")
    for function in functions.values():
        server.add_tool(function)
    return server


def application(settings: Settings) -> Starlette:
    """Return the ASGI application. It serves the metadata to any client. The guard checks all other requests."""
    parts = urlsplit(settings.resource)
    origin = f"{parts.scheme}://{parts.netloc}"
    metadata = f"/.well-known/oauth-protected-resource{parts.path.rstrip('/')}"
    judge = verifier(settings.issuer, settings.resource, timing=settings.timing, poll_every=settings.poll_every)
    served = tools().streamable_http_app(
        streamable_http_path=parts.path or "/",
        stateless_http=True,
        transport_security=TransportSecuritySettings(allowed_hosts=[parts.netloc], allowed_origins=[origin]),
    )
    guard = Guard(AuthContextMiddleware(served), judge, NEEDS, f"{origin}{metadata}")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        judge.ready()  # the first request then finds the keys
        async with served.router.lifespan_context(served):
            yield

    register = Route("/register", _register, methods=["POST"])
    return Starlette(routes=[Route(metadata, _metadata(settings)), register, Mount("/", guard)], lifespan=lifespan)


def _register(_: Request) -> JSONResponse:
    """Answer 404 to a client that tries to register at this server instead of at the issuer.

    Some clients try this if the issuer accepts only clients that are registered beforehand.
    """
    return JSONResponse({"error": "not_found", "error_description": REGISTER_AT_ISSUER}, 404)


def _metadata(settings: Settings) -> Callable[[Request], JSONResponse]:
    """Return the view of this server's protected resource metadata (RFC 9728)."""
    # Not the SDK's: it adds a slash to an issuer without a path, which is another issuer (RFC 8414 section 3.3).
    document = {
        "resource": settings.resource,
        "authorization_servers": [settings.issuer],
        "scopes_supported": [NEEDS.always],
        "bearer_methods_supported": ["header"],
        "resource_name": "Notes",
    }
    return lambda _: JSONResponse(document, headers={"Access-Control-Allow-Origin": "*"})


def main() -> None:
    """Serve the MCP server until Ctrl-C."""
    settings = Settings.read()
    port = urlsplit(settings.resource).port or 8003
    uvicorn.run(application(settings), host="127.0.0.1", port=int(os.environ.get("PORT", port)), log_level="warning")


if __name__ == "__main__":
    main()
