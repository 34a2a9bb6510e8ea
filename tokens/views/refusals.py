"""A refusal at an endpoint: RFC 6749's answer to whoever asked, and a line of the audit log that says why."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from tokens import audit, errors, rate_limit
from tokens.views.claimed import claimed_client


def refuse(request: HttpRequest, error: OAuth2Error, action: str) -> JsonResponse:
    """The error as an answer; `action` names it in the log, with the reason that the answer may not tell."""
    reason = getattr(error, "reason", error.description)
    details = {"error": error.error, "reason": reason, "address": rate_limit.address(request)}
    subject = f"client:{claimed_client(request)}"
    audit.log(action, actor="issuer", subject=subject, details=details, now=timezone.now())
    return errors.refusal(error)
