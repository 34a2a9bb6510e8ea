"""DRF's EXCEPTION_HANDLER: what a permission found missing, or a body got wrong, becomes a status and a challenge."""

import logging
from types import TracebackType
from typing import Any

from django.core.cache.backends.base import BaseCache
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import Error
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, ParseError
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as drf_exception_handler

from resources.authentication import JWTAuthentication
from resources.challenges import DatabaseAway, Forbidden, StepUp, TokenRefused, TooLarge, TryLater
from resources.database_errors import outage
from resources.errors import Reason
from resources.permissions import Demand, demand_of

logger = logging.getLogger(__name__)

MALFORMED = (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError)
"""What Django raises for a request that it cannot read, and would answer with a page."""


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to `error`, with its challenge, or None if the error is a mistake in the code."""
    error = earlier_refusal(context) or error
    if (demand := demand_of(error, context)) is not None:
        error = refusal(demand)
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, MALFORMED):
        error = ParseError("The request cannot be read")
    elif throttle_cache_failed(error):
        logger.error("a throttle could not count, so its request was refused: %s", type(error).__name__)
        error = TryLater(1, "Requests cannot be counted at the moment")
    elif isinstance(error, Error) and (reason := outage(error)):
        logger.error("Answered 503: %s", reason)
        error = DatabaseAway()
    return drf_exception_handler(error, context)


def earlier_refusal(context: dict[str, Any]) -> Exception | None:
    """Refuse a request that failed before DRF authenticated it, if authentication or permissions refuse it.

    DRF negotiates the content type first. Without this, a bad token with an unacceptable Accept header would get 406
    without a challenge. Returns None if the request was authenticated already, is not refused, or cannot be read.
    """
    request, view = context.get("request"), context.get("view")
    if request is None or view is None or hasattr(request, "_user"):
        return None
    if not any(isinstance(one, JWTAuthentication) for one in request.authenticators):
        return None
    try:
        view.perform_authentication(request)
        view.check_permissions(request)
    except (NotAuthenticated, AuthenticationFailed) as refusal:
        refusal.auth_header = view.get_authenticate_header(request)  # type: ignore[union-attr]
        return refusal
    except (APIException, PermissionDenied, Http404) as refusal:
        return refusal
    except MALFORMED:  # the query cannot be read, which authentication looks into as well
        return None
    return None


def throttle_cache_failed(error: Exception) -> bool:
    """True if a cache raised `error` while a throttle was asked (the throttles of this app catch it themselves)."""
    if isinstance(error, APIException):
        return False
    throttling, trace = False, error.__traceback__
    while trace is not None:
        throttling = throttling or trace.tb_frame.f_code is APIView.check_throttles.__code__
        if throttling and _is_of_a_cache(trace):
            return True
        trace = trace.tb_next
    return False


def _is_of_a_cache(trace: TracebackType) -> bool:
    return isinstance(trace.tb_frame.f_locals.get("self"), BaseCache)


def refusal(demand: Demand) -> APIException:
    """The answer that asks for what `demand` says."""
    if demand.retry_after:
        return TryLater(demand.retry_after)
    if demand.inactive:
        return TokenRefused(Reason.REVOKED)
    if demand.acr or demand.max_age is not None:
        max_age = "" if demand.max_age is None else str(demand.max_age)
        description = "A stronger or more recent login is needed"
        return StepUp("insufficient_user_authentication", description, acr_values=" ".join(demand.acr), max_age=max_age)
    return Forbidden("insufficient_scope", "The token's scope is not enough", scope=" ".join(demand.scopes))
