"""The WSGI application; DJANGO_SETTINGS_MODULE says which process this is (the issuer, unless it is set)."""

import os
from collections.abc import Mapping
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.issuer")


class Request(WSGIRequest):
    """Django's, which decodes the address by the charset that a body's sender names, and breaks on `base64`."""

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):  # a parameter in an encoding that there is not (RFC 2231)
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    """Answers such requests: what they sent is judged where a refusal can be said (tokens/views/bodies.py)."""

    request_class = Request


django.setup(set_prefix=False)
application = Handler()
