"""Raw WSGI requests to the whole API in this process. There is no HTTP client or server that could correct them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from project.settings import api
from resources.testing import pinned
from resources.wsgi import Application, readable_only


@dataclass(frozen=True, slots=True)
class Sent:
    """A request in WSGI form.

    `headers` have the names of WSGI. CONTENT_LENGTH is added if `headers` lacks it.
    """

    method: str = "GET"
    path: str = "/api/notes/"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the API. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def whole_api() -> Iterator[Application]:
    """Yield the API as a WSGI application, with its middleware and URLs. It trusts the key of the tests."""
    own = {name: getattr(api, name) for name in ("ROOT_URLCONF", "MIDDLEWARE", "APPEND_SLASH", "RESOURCE_SERVER")}
    with override_settings(**own), pinned():
        yield readable_only(WSGIHandler())


def send(application: Application, sent: Sent) -> Answer:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "PATH_INFO": sent.path,
        "QUERY_STRING": sent.query,
        "CONTENT_LENGTH": str(len(sent.body)),
        "wsgi.input": BytesIO(sent.body),
        **sent.headers,
    }
    setup_testing_defaults(environ)
    started: list[tuple[str, list[tuple[str, str]]]] = []
    response = application(environ, lambda status, headers: started.append((status, headers)))
    body = b"".join(response)
    getattr(response, "close", lambda: None)()
    status, headers = started[0]
    return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, body)
