"""OAuth errors of the issuer: the exceptions, each with its reason for the log, and their JSON answers (RFC 6749)."""

from collections.abc import Mapping
from typing import TypeVar

from django.http import HttpResponse, HttpResponseBase, JsonResponse

Response = TypeVar("Response", bound=HttpResponseBase)
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(Exception):
    """An OAuth error with a registered error code, such as `invalid_grant`, and the HTTP status of its response.

    `description` is sent to the client. It contains no value of the request, except the name of a refused scope
    (issued/audience.py). `reason` is only logged, and contains no value of the request. Without a `reason`, the
    description is logged.
    """

    def __init__(self, error: str, description: str, *, status: int = 400, reason: str = "") -> None:
        super().__init__(f"({error}) {description}")
        self.error, self.description, self.status_code = error, description, status
        self.reason = reason or description

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that this error adds to the answer, by name."""
        return {}


class MethodNotAllowed(OAuthError):
    """The endpoint does not support the HTTP method. `Allow` lists the supported methods (RFC 9110 section 15.5.6)."""

    def __init__(self, *methods: str) -> None:
        self.methods = ", ".join(methods)
        super().__init__("invalid_request", f"Use {self.methods}.", status=405)

    @property
    def headers(self) -> dict[str, str]:
        """Return the header `Allow` with the methods that the endpoint supports."""
        return {"Allow": self.methods}


class InvalidClient(OAuthError):
    """Client authentication failed. The answer is the same for every reason.

    `by_header` is True if the request has an `Authorization` header.
    """

    def __init__(self, reason: str, *, by_header: bool = False) -> None:
        # Another answer for unknown clients would reveal which client_ids exist.
        super().__init__("invalid_client", "Client authentication failed.", status=401, reason=reason)
        self.by_header = by_header

    @property
    def headers(self) -> dict[str, str]:
        """Return the Basic challenge if the client used the header `Authorization` (RFC 6749 section 5.2), else {}."""
        # To a request without the header, browsers would answer a challenge with a password box.
        return {"WWW-Authenticate": 'Basic realm="token endpoint", charset="UTF-8"'} if self.by_header else {}


class Unavailable(OAuthError):
    """The issuer cannot answer at the moment: 503. `retry_after` is in seconds."""

    def __init__(self, description: str, *, retry_after: int) -> None:
        super().__init__("temporarily_unavailable", description, status=503)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Return the header `Retry-After` (RFC 9110 section 10.2.3)."""
        return {"Retry-After": str(self.retry_after)}


def refusal(error: OAuthError) -> JsonResponse:
    """Return the JSON answer for an error, with `no-store` (RFC 6749 section 5.2)."""
    body = {"error": error.error, "error_description": error.description}
    return answer(body, error.status_code, error.headers, reason=error.reason)


def unavailable(retry_after: int, *, reason: str, description: str) -> JsonResponse:
    """Return a 503 answer with the error `temporarily_unavailable` and `description`. `reason` is only logged.

    `retry_after` is in seconds (RFC 9110 section 10.2.3).
    """
    body = {"error": "temporarily_unavailable", "error_description": description}
    return answer(body, 503, {"Retry-After": str(retry_after)}, reason=reason)


def too_many(retry_after: int) -> JsonResponse:
    """Return a 429 answer that says that the rate limit is reached.

    `retry_after` is in seconds (RFC 6585 section 4).
    """
    body = {"error": "temporarily_unavailable", "error_description": "Too many requests; see Retry-After."}
    return answer(body, 429, {"Retry-After": str(retry_after)})


def answer(
    body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None, *, reason: str = ""
) -> JsonResponse:
    """Return a JSON answer with `no-store`.

    views/unavailable.py logs the cause of a 503, which is `reason`, or else the `error_description` in the body.
    """
    response = JsonResponse(dict(body), status=status, headers={**NO_STORE, **(headers or {})})
    response.unavailable_because = reason or str(body.get("error_description", ""))  # type: ignore[attr-defined]
    return response


def empty(status: int, headers: Mapping[str, str]) -> HttpResponse:
    """Return an answer without a body and without Content-Type.

    The client library oidc-client-ts refuses Django's default, text/html.
    """
    response = HttpResponse(status=status, headers=dict(headers))
    del response.headers["Content-Type"]
    return response


def because(response: Response, reason: str) -> Response:
    """Attach `reason` to a 503 response, and return the response. views/unavailable.py writes the reason to the log."""
    response.unavailable_because = reason  # type: ignore[attr-defined]
    return response
