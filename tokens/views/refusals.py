"""A refusal at an endpoint: the answer of RFC 6749 to the client, and a line of the audit log with the reason.

`endpoint` translates the errors of endpoints for authenticated clients. `answered` translates the errors of the other
views that answer in JSON.
"""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from tokens import errors
from tokens.audit import trail
from tokens.errors import OAuthError
from tokens.keys.errors import NotReady
from tokens.limits import rate_limit
from tokens.views import caller

View = Callable[..., HttpResponse]


def answered(action: str, *, is_read: bool) -> Callable[[View], View]:
    """Return a decorator that answers in JSON if a view raises OAuthError, or NotReady (503).

    A refusal is logged as `action`. `is_read` is True if the view accepts a form. The log then has its client_id.
    """
    refused = refuse if is_read else refuse_unread

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except OAuthError as error:
                return refused(request, error, action)
            except NotReady as error:
                return errors.unavailable(error.retry_after, reason=str(error))

        return answer

    return decorate


def refuse(request: HttpRequest, error: OAuthError, action: str, *, client: str | None = None) -> JsonResponse:
    """Return the error as an answer, and log it as `action` with the reason, which the answer can lack.

    `client` is the client that the request names, or None if the caller has not read it.
    """
    return _refuse(request, error, action, caller.claimed_client(request) if client is None else client)


def refuse_unread(request: HttpRequest, error: OAuthError, action: str) -> JsonResponse:
    """Return and log an error before the body is read. The log has the client only if the header names it."""
    return _refuse(request, error, action, caller.claimed_in_header(request))


def _refuse(request: HttpRequest, error: OAuthError, action: str, client: str) -> JsonResponse:
    details = {"error": error.error, "reason": error.reason, "address": rate_limit.address(request)}
    trail.log(action, actor="issuer", subject=caller.subject(client), details=details, now=timezone.now())
    return errors.refusal(error)
