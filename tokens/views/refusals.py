"""A refusal at an endpoint: RFC 6749's answer to the client, and a line of the audit log with the reason."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from tokens import errors
from tokens.audit import trail
from tokens.errors import OAuthError
from tokens.limits import rate_limit
from tokens.views import caller


def refuse(request: HttpRequest, error: OAuthError, action: str) -> JsonResponse:
    """Return the error as an answer, and log it as `action` with its reason, which the answer might hide."""
    return _refuse(request, error, action, caller.claimed_client(request))


def refuse_unread(request: HttpRequest, error: OAuthError, action: str) -> JsonResponse:
    """Return and log an error before the body is read. Only the header can name the client then."""
    return _refuse(request, error, action, caller.claimed_in_header(request))


def _refuse(request: HttpRequest, error: OAuthError, action: str, client: str) -> JsonResponse:
    details = {"error": error.error, "reason": error.reason, "address": rate_limit.address(request)}
    trail.log(action, actor="issuer", subject=caller.subject(client), details=details, now=timezone.now())
    return errors.refusal(error)
