"""Authentication and permissions for django-ninja, which is an optional dependency: `NinjaAPI(auth=TokenAuth())`.

With `api.add_exception_handler(Refused, answer)`, the response to a refused request has a challenge. Without this
handler, it has the status only.
"""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from ninja.errors import HttpError
from ninja.security import HttpBearer

from .plain_views import refusal


class Refused(HttpError):  # type: ignore[misc, unused-ignore]  # django-ninja is optional
    """A refused request. `response` has the challenge."""

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__(response.status_code, response.reason_phrase)
        self.response = response


class TokenAuth(HttpBearer):  # type: ignore[misc, unused-ignore]  # django-ninja is optional
    """Authentication of django-ninja that requires a valid token, which becomes `request.auth`.

    The token must meet the permissions that the constructor gets.
    """

    def __init__(self, *permissions: Any) -> None:
        super().__init__()
        self.permissions = permissions

    def __call__(self, request: HttpRequest) -> Any:
        """Return the verified token. Raises Refused if it is missing, is invalid or does not meet the permissions."""
        # HttpBearer would read the header itself, more loosely than RFC 6750 allows.
        return self.authenticate(request, "")

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the verified token of the request. Ignores the argument `token`.

        Raises Refused if the token is missing, is invalid or does not meet the permissions.
        """
        del token
        if (response := refusal(request, *self.permissions)) is not None:
            raise Refused(response)
        return request.auth  # type: ignore[attr-defined]


def answer(request: HttpRequest, error: Refused) -> HttpResponseBase:
    """Return the response to the refused request, with its challenge.

    Give this function to django-ninja as the exception handler for Refused.
    """
    del request
    return error.response
