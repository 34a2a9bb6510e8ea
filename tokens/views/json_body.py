"""Reads a request body that must be one JSON object (RFC 7591 section 3.1). Checks the headers before the body."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from tokens.errors import OAuthError
from tokens.jose import strict_json
from tokens.jose.strict_json import NotStrict

JSON = "application/json"
JSON_BYTES = 16 * 1024
"""The most bytes of a body: more than a JWKS of RSA keys needs."""
INVALID = "invalid_client_metadata"


def read(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body. Raises OAuthError invalid_client_metadata if there is none.

    Also raises this error if Content-Type is not JSON, or if Content-Length is malformed or more than JSON_BYTES.
    """
    if request.content_type != JSON:
        raise OAuthError(INVALID, f"Send the metadata as {JSON}.", status=415)
    length = request.META.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        raise OAuthError(INVALID, "Send the length of the body as Content-Length.", status=411)
    if len(length) > 18 or int(length) > JSON_BYTES:  # Python refuses to convert very long numbers
        raise OAuthError(INVALID, "The request is too large.", status=413)
    try:
        content = strict_json.parse(request.body.decode())
    except RequestDataTooBig:
        raise OAuthError(INVALID, "The request is too large.", status=413) from None
    except NotStrict as error:
        raise OAuthError(INVALID, f"The body is refused: {error}.") from None
    except (UnicodeDecodeError, UnreadablePostError):
        raise OAuthError(INVALID, "The body cannot be read.") from None
    if not isinstance(content, dict):
        raise OAuthError(INVALID, "The body is not a JSON object.")
    return content
