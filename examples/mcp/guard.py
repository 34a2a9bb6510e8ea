"""Permits or refuses each request before the MCP server gets it.

1. A request without a valid access token for this server gets 401. The challenge names the scope that every request
   needs.
2. A request whose token lacks a needed scope gets 403 insufficient_scope. The challenge names the needed scopes and
   also the scopes that the token has, because some clients request exactly the scopes that a challenge names.
3. A malformed request gets 400 or 413. The challenge names no scope.
4. If the guard cannot verify tokens now, the request gets 503 with Retry-After, and no challenge.

MCP's authorization specification requires HTTP status 401 and 403. A tool cannot send them, because a tool runs after
the HTTP status was sent. RFC 6750 section 3 and RFC 9728 section 5 define the challenges.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken as McpToken
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.mcp.trust import Verifier
from resources.errors import InvalidRequest, InvalidToken, Unavailable
from resources.jose import strict_json
from resources.principal import AccessToken

MAX_BODY = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Needs:
    """The scopes that requests to the MCP server need.

    `always` is the scope that every request needs. `tools` maps the name of each tool to the scope that a call of this
    tool needs in addition.
    """

    always: str
    tools: Mapping[str, str]

    def of(self, body: bytes) -> frozenset[str]:
        """Return the scopes that a request with this body needs.

        Raises ValueError unless the body is strict JSON or empty.
        """
        # Strict, because another parser could find another tool in an object with repeated members.
        message = strict_json.parse(body) if body else {}
        calls = message if isinstance(message, list) else [message]
        return frozenset([self.always, *(self.tools.get(name, self.always) for name in map(_tool, calls))])


@dataclass(frozen=True, slots=True)
class Guard:
    """An ASGI application that passes permitted requests on to `app`, and answers the other requests itself.

    `metadata` is the URL of this server's protected resource metadata (RFC 9728).
    """

    app: ASGIApp
    verifier: Verifier
    needs: Needs
    metadata: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a permitted HTTP request on to `app`, with the user of its token. Answer other requests with an error.

        Events that are not HTTP requests, such as ASGI's `lifespan`, are passed on unchecked.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            token, body = await self._judge(Request(scope, receive))
        except Refused as refused:
            await refused.response(self.metadata)(scope, receive, send)
            return
        await self.app({**scope, "user": _user(token, self.verifier.resource)}, _replay(body, receive), send)

    async def _judge(self, request: Request) -> tuple[AccessToken, bytes]:
        """Return the token and the body of a permitted request. Raises Refused for any other request."""
        token = await self._token(request)
        body = await _body(request)
        try:
            needed = self.needs.of(body)
        except ValueError:
            raise Refused(400, "invalid_request", "The body is not strict JSON") from None
        if missing := needed - token.scopes:
            description = f"The request needs the scope {' '.join(sorted(missing))}"
            raise Refused(403, "insufficient_scope", description, scopes=needed | token.scopes)
        return token, body

    async def _token(self, request: Request) -> AccessToken:
        """Return the verified token of a request.

        Raises Refused if the request has none, or if the token cannot be verified.
        """
        always = (self.needs.always,)
        also_in_query = "access_token" in parse_qs(request.url.query, keep_blank_values=True)
        # Several headers become one that is malformed (RFC 9110 section 5.3).
        header = ", ".join(request.headers.getlist("authorization")) or None
        try:
            token = await asyncio.to_thread(self.verifier.token, header, also_in_query=also_in_query)
        except InvalidRequest:
            raise Refused(400, "invalid_request", "Send one bearer token, in the Authorization header only") from None
        except InvalidToken as error:
            raise Refused(401, "invalid_token", error.reason.value, scopes=always) from None
        except Unavailable as error:
            raise Refused(503, "temporarily_unavailable", "Try again", retry_after=error.retry_after) from None
        if token is None:
            raise Refused(401, "", "Send an access token", scopes=always)
        return token


class Refused(Exception):
    """Raised if the guard refuses a request.

    `error` is the OAuth error code. It is "" if the request has no token (RFC 6750 section 3.1).
    """

    def __init__(
        self, status: int, error: str, description: str, *, scopes: Iterable[str] = (), retry_after: int = 0
    ) -> None:
        super().__init__(status, error)
        self.status, self.error, self.description = status, error, description
        self.scope, self.retry_after = " ".join(sorted(scopes)), retry_after

    def response(self, metadata: str) -> JSONResponse:
        """Return the error response with a challenge in WWW-Authenticate. The challenge names the URL `metadata`.

        If the server cannot verify tokens now (503), the response has Retry-After instead of a challenge.
        """
        error = {"error": self.error, "error_description": self.description} if self.error else {}
        named = {**error, "scope": self.scope, "resource_metadata": metadata}
        parameters = ", ".join(f'{name}="{value}"' for name, value in named.items() if value)
        headers = {"WWW-Authenticate": f"Bearer {parameters}"}
        if self.retry_after:
            headers = {"Retry-After": str(self.retry_after)}
        return JSONResponse({"error": self.error or "unauthorized", "detail": self.description}, self.status, headers)


def _tool(message: Any) -> str:
    """Return the name of the tool that a JSON-RPC message calls, or "" if it calls none."""
    if not isinstance(message, dict) or message.get("method") != "tools/call":
        return ""
    parameters = message.get("params")
    name = parameters.get("name") if isinstance(parameters, dict) else None
    return name if isinstance(name, str) else ""


async def _body(request: Request) -> bytes:
    """Return the body of a request. Raises Refused if the body is longer than MAX_BODY."""
    parts, length = [], 0
    async for part in request.stream():
        parts.append(part)
        length += len(part)
        if length > MAX_BODY:
            raise Refused(413, "invalid_request", "The body is too long")
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return an ASGI `receive` function whose first message is the body, which the guard has already read.

    The next messages come from `receive`.
    """
    rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return rest.pop() if rest else await receive()

    return replayed


def _user(token: AccessToken, resource: str) -> AuthenticatedUser:
    """Return the MCP SDK's user object for a token of `resource`.

    Tools get the token from this object, by the SDK's function `get_access_token`.
    """
    return AuthenticatedUser(
        McpToken(
            token=token.raw,
            client_id=token.claims["client_id"],
            scopes=sorted(token.scopes),
            expires_at=int(token.claims["exp"]),
            resource=resource,
            subject=token.claims["sub"],
            claims=dict(token.claims),
        )
    )
