"""The WSGI application of the process that DJANGO_SETTINGS_MODULE names (default: the issuer)."""

import json
import os
from collections.abc import Mapping
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

from project import conf
from project.direct import Direct
from resources import edge

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.issuer")

NO_LENGTH = "Send the length of the body as Content-Length."
TWO_SCHEMES = "The proxy must replace the header that reports the scheme, not add to it."


class Request(WSGIRequest):
    """A WSGI request that parses the Content-Type but ignores its charset parameter."""

    # Django would decode the URL by this charset, and fail if it is a codec such as `base64`.

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):  # a parameter in an unknown encoding (RFC 2231)
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    """Django's WSGI handler, which creates requests of the class `Request`.

    `Request` ignores the charset of a body. tokens/views/bodies.py refuses bodies in a charset other than UTF-8.
    """

    request_class = Request

    def __init__(self) -> None:
        super().__init__()
        self._direct = Direct(self.request_class)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer the request: call `start_response`, and return the body of the answer.

        The answer is 411 if the length of the request's body is unknown, and 400 if a header reports two schemes
        (resources/edge.py).
        """
        if edge.is_length_unknown(environ):
            return _refuse("411 Length Required", NO_LENGTH, start_response)
        if edge.is_scheme_twice(environ, conf.scheme_header()):
            return _refuse("400 Bad Request", TWO_SCHEMES, start_response)
        answer = self._direct.answer(environ, start_response)
        return super().__call__(environ, start_response) if answer is None else answer


def _refuse(status: str, text: str, start_response: Any) -> list[bytes]:
    body = json.dumps({"error": "invalid_request", "error_description": text}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    start_response(status, headers)
    return [body]


django.setup(set_prefix=False)
application = Handler()
