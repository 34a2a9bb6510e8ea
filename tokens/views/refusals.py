"""Answers refused requests as RFC 6749 requires, and logs the reason in the audit log.

The module `endpoint` does this for endpoints at which clients authenticate, by `refuse`. The decorator `answered` does
it for the other views that answer in JSON.
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
from tokens.views import caller, not_ready

View = Callable[..., HttpResponse]


def answered(action: str, *, is_read: bool) -> Callable[[View], View]:
    """Return a decorator that answers in JSON if a view raises OAuthError, or NotReady (503).

    A refusal is logged as the audit event `action`. If `is_read` is True, the body is a form that was read before the
    view, and the log has the client that the form names. If `is_read` is False, logging does not read the body.
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
                return not_ready.answer(error)

        return answer

    return decorate


def refuse(request: HttpRequest, error: OAuthError, action: str, *, client: str | None = None) -> JsonResponse:
    """Return the error as a JSON response, and log it with its reason as the audit event `action`.

    `client` is the client_id that the request claims. If `client` is None, the client_id is read from the request.
    """
    return _refuse(request, error, action, caller.claimed_client(request) if client is None else client)


def refuse_unread(request: HttpRequest, error: OAuthError, action: str) -> JsonResponse:
    """Return and log the error as `refuse` does, but without reading the body.

    The log has the client only if the `Authorization` header names it.
    """
    return _refuse(request, error, action, caller.claimed_in_header(request))


def _refuse(request: HttpRequest, error: OAuthError, action: str, client: str) -> JsonResponse:
    details = {"error": error.error, "reason": error.reason, "address": rate_limit.address(request)}
    trail.log(action, actor="issuer", subject=caller.subject(client), details=details, now=timezone.now())
    return errors.refusal(error)
