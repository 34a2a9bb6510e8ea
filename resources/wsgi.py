"""A WSGI application that refuses requests which Django would misread.

- A malformed Content-Type, or a charset that is not in ENCODINGS: Django parses the header before any middleware runs,
  and fails. Django would also decode the query string by that charset.
- A body without Content-Length: Django treats it as empty (RFC 9110 section 15.5.12).
- Two values of the header by which the proxy reports the URL scheme: Django uses the first, which clients can forge.
"""

import codecs
import json
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from . import edge

Start = Callable[..., Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]

ENCODINGS = frozenset({"utf-8", "ascii", "iso8859-1"})
UNREADABLE = ("400 Bad Request", "The Content-Type cannot be read")
NO_LENGTH = ("411 Length Required", "Send the length of the body as Content-Length")
TWO_SCHEMES = ("400 Bad Request", "The proxy must replace the header that reports the scheme, not add to it")


def readable_only(application: Application) -> Application:
    """Return a WSGI application that calls `application`, but refuses the requests that Django cannot read correctly.

    `refusal` finds these requests, for example one without a Content-Length. The response to them is JSON.
    """

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if (refused := refusal(environ)) is None:
            return application(environ, start)
        status, detail = refused
        body = json.dumps({"detail": detail}, separators=(",", ":")).encode()
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def refusal(environ: dict[str, Any]) -> tuple[str, str] | None:
    """Return the status line and the detail of the refusal, or None if Django can read the request."""
    if not is_readable(environ.get("CONTENT_TYPE", "")):
        return UNREADABLE
    if edge.is_length_unknown(environ):
        return NO_LENGTH
    if edge.is_scheme_twice(environ, settings.SECURE_PROXY_SSL_HEADER):
        return TWO_SCHEMES
    return None


def is_readable(content_type: str) -> bool:
    """Return True if the parameters of this Content-Type can be decoded (RFC 2231) and its charset is in ENCODINGS."""
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset") or "utf-8").name in ENCODINGS
    except (LookupError, ValueError):
        return False


application = readable_only(get_wsgi_application())
