"""A refusal at an endpoint: RFC 6749's answer to whoever asked, and a line of the audit log that says why."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from tokens import errors
from tokens.audit import trail
from tokens.limits import rate_limit
from tokens.views.caller import claimed_client, claimed_in_header, told


def refuse(request: HttpRequest, error: OAuth2Error, action: str) -> JsonResponse:
    """The error as an answer; `action` names it in the log, with the reason that the answer may not tell."""
    return _refuse(request, error, action, claimed_client(request))


def refuse_unread(request: HttpRequest, error: OAuth2Error, action: str) -> JsonResponse:
    """The same for a request of which the body is not read: only its header can say who it is from."""
    return _refuse(request, error, action, claimed_in_header(request) or "")


def _refuse(request: HttpRequest, error: OAuth2Error, action: str, client: str) -> JsonResponse:
    reason = getattr(error, "reason", error.description)
    details = {"error": error.error, "reason": reason, "address": rate_limit.address(request)}
    trail.log(action, actor="issuer", subject=told(client), details=details, now=timezone.now())
    return errors.refusal(error)
