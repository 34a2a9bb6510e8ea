"""A client that sends ASGI messages to a front (project.front) in the same process."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from project.front.application import Bounds, Front

BOUNDS = Bounds(body=100, body_within=0.2, answer=60.0, admin_answer=60.0)
"""A busy machine answers within them. A test of the 503 sets its own."""


@dataclass(slots=True)
class Answer:
    """The response that the front sent."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    parts: int = 0

    def __getitem__(self, name: str) -> str:
        return dict(self.headers)[name.lower()]


def front(application: Callable[..., Iterable[bytes]], bounds: Bounds = BOUNDS, **options: Any) -> Front:
    return Front(application, bounds, **{"behind_proxy": True, **options})


def scope(path: str, method: str, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "server": ("127.0.0.1", "8000"),
        "client": ("192.0.2.1", "4711"),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }


async def fetch_async(
    server: Front,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    body: Iterable[bytes] = (),
    ends: bool = True,
) -> Answer:
    """Send a request to the front `server`, and return the front's response.

    `body` has the parts of the request's body. If `ends` is False, the client sends these parts but never ends the
    body.
    """
    parts, answer = list(body), Answer()

    async def receive() -> dict[str, Any]:
        if not parts and not ends:
            await asyncio.Event().wait()
        part = parts.pop(0) if parts else b""
        return {"type": "http.request", "body": part, "more_body": bool(parts) or not ends}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(name.decode(), value.decode("latin-1")) for name, value in message["headers"]]
        else:
            answer.body += message["body"]
            answer.parts += 1

    await server(scope(path, method, headers), receive, send)
    return answer


def fetch(server: Front, path: str = "/", **request: Any) -> Answer:
    """Send a request to the front `server` as `fetch_async` does, but from synchronous code. Return the response."""
    return asyncio.run(fetch_async(server, path, **request))
