"""Every WWW-Authenticate that this API sends, and the answers that carry them (RFC 6750 section 3, RFC 9728 section 5).

Owns no decision: it is told what was wrong and writes it down.
"""

from urllib.parse import urlsplit

from rest_framework import status
from rest_framework.exceptions import APIException

from resources.conf import resource_server
from resources.errors import Reason


def challenge(error: str = "", description: str = "", **parameters: str) -> str:
    """A bearer challenge; empty parameters are left out. Bare when there is no `error`: no credentials came."""
    conf = resource_server()
    named = {
        "realm": conf.realm,
        "error": error,
        "error_description": description,
        **parameters,
        "resource_metadata": metadata_url(conf.resource),
    }
    return "Bearer " + ", ".join(f"{name}={quoted(value)}" for name, value in named.items() if value)


def quoted(value: str) -> str:
    """A quoted-string (RFC 9110 section 5.6.4); what no header may hold becomes a question mark."""
    printable = "".join(character if " " <= character <= "~" else "?" for character in value)
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'


def metadata_url(resource: str) -> str:
    """Where a resource's metadata is (RFC 9728 section 3.1): the well-known part goes before its path."""
    if not resource:
        return ""
    parts = urlsplit(resource)
    path = parts.path.rstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{path}{query}"


class Refusal(APIException):
    """An answer with an OAuth error in it; DRF sends `auth_header` and `wait` as headers whatever the status."""

    def __init__(self, error: str, description: str, **parameters: str) -> None:
        super().__init__({"error": error, "detail": description})
        self.auth_header = challenge(error, description, **parameters)


class TokenRefused(Refusal):
    """401 invalid_token. `reason` and `claim` say what was wrong."""

    status_code = status.HTTP_401_UNAUTHORIZED

    def __init__(self, reason: Reason, claim: str = "") -> None:
        super().__init__("invalid_token", reason.value)
        self.reason, self.claim = reason, claim


class BadRequest(Refusal):
    """400 invalid_request."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self) -> None:
        super().__init__("invalid_request", "Send one bearer token, in the Authorization header only")


class StepUp(Refusal):
    """401 insufficient_user_authentication (RFC 9470 section 3)."""

    status_code = status.HTTP_401_UNAUTHORIZED


class Forbidden(Refusal):
    """403 insufficient_scope."""

    status_code = status.HTTP_403_FORBIDDEN


class TryLater(APIException):
    """503: nothing is wrong with the request, and asking again in `wait` seconds may help."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE

    def __init__(self, wait: int, detail: str = "Tokens cannot be verified at the moment") -> None:
        super().__init__({"error": "temporarily_unavailable", "detail": detail})
        self.wait = wait


class LengthRequired(APIException):
    """411: there might be a body that Django treats as empty (RFC 9110 section 15.5.12)."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send the length of the body as Content-Length"
    default_code = "length_required"


class DatabaseAway(APIException):
    """503: the API's own database cannot be reached, or takes no writes; DRF sends `wait` as Retry-After."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = 5  # seconds

    def __init__(self) -> None:
        super().__init__({"error": "temporarily_unavailable", "detail": "The database cannot be reached"})


class TooLarge(APIException):
    """413: the body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE (RFC 9110 section 15.5.14)."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too long"
    default_code = "too_large"
