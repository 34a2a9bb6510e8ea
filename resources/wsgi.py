"""A WSGI application behind which no Content-Type is an accident.

Django reads the header while it builds the request, before any middleware: what it stumbles over there has no answer
but the server's own 500. It would also read the query string in whatever encoding the header names.
"""

import codecs
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

Start = Callable[..., Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]

ENCODINGS = frozenset({"utf-8", "ascii", "iso8859-1"})
REFUSED = b'{"detail":"The Content-Type cannot be read"}'


def readable_only(application: Application) -> Application:
    """`application`, for requests whose Content-Type can be read; 400 for others."""

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if is_readable(environ.get("CONTENT_TYPE", "")):
            return application(environ, start)
        start("400 Bad Request", [("Content-Type", "application/json"), ("Content-Length", str(len(REFUSED)))])
        return [REFUSED]

    return answer


def is_readable(content_type: str) -> bool:
    """Whether its parameters can be decoded (RFC 2231), and name no encoding but UTF-8 and what is read like it."""
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset") or "utf-8").name in ENCODINGS
    except (LookupError, ValueError):
        return False


application = readable_only(get_wsgi_application())
