"""DRF's EXCEPTION_HANDLER: turns refusals, unreadable requests and outages into a status and a challenge."""

import logging
from dataclasses import replace
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

from .authentication import JWTAuthentication
from .challenges import BEARER, DPOP, DatabaseUnavailable, Forbidden, StepUp, TokenRefused, TooLarge, TryLater
from .database_errors import outage
from .errors import Reason
from .permissions import Demand, demand_of
from .principal import AccessToken
from .scope_needs import challenged

logger = logging.getLogger(__name__)

MALFORMED = (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError)
"""The errors that Django raises for a request that it cannot read. Django alone would answer with an HTML page."""


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response to `error`. A refusal because of a missing or insufficient token has a challenge.

    Returns None if `error` is a bug, which becomes a 500.
    """
    error = earlier_refusal(context) or error
    if (demand := demand_of(error, context)) is not None:
        error = refusal(in_full(demand, context), scheme_of(context["request"].auth))
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, MALFORMED):
        error = ParseError("The request cannot be read")
    elif throttle_cache_failed(error):
        logger.error("Answered 503: the cache of a throttle failed (%s)", type(error).__name__)
        error = TryLater(1, "Requests cannot be counted at the moment")
    elif isinstance(error, Error) and (reason := outage(error)):
        logger.error("Answered 503: %s", reason)
        error = DatabaseUnavailable()
    if isinstance(error, TokenRefused) and (view := context.get("view")) is not None:
        error.name_scopes(challenged(view, context["request"].method))
    return drf_exception_handler(error, context)


def in_full(demand: Demand, context: dict[str, Any]) -> Demand:
    """If `demand` requires scopes or another login, add all scopes that the request needs. Return the new demand.

    The added scopes include those that the token has. The client can then request one token with all scopes that the
    challenge names (RFC 6750 section 3). A demand requires another login if it has `acr` or `max_age`. Any other demand
    is returned unchanged.
    """
    view, request = context["view"], context["request"]
    token_scopes = request.auth.scopes
    if demand.scopes:
        return replace(
            demand, scopes=challenged(view, request.method, token_scopes=token_scopes, demanded=demand.scopes)
        )
    if demand.acr or demand.max_age is not None:
        return replace(demand, scopes=challenged(view, request.method, token_scopes=token_scopes))
    return demand


def earlier_refusal(context: dict[str, Any]) -> Exception | None:
    """Authenticate and authorize a request that failed before DRF authenticated it. Return the refusal, or None.

    Returns None if the request is not refused, was authenticated already, or cannot be read, or if the view does not
    use JWTAuthentication.
    """
    # DRF negotiates the content type before it authenticates. Without this function, a request with a bad token and an
    # Accept header that the API does not serve would get 406 without a challenge.
    request, view = context.get("request"), context.get("view")
    if request is None or view is None or hasattr(request, "_user"):
        return None
    if not any(isinstance(authenticator, JWTAuthentication) for authenticator in request.authenticators):
        return None
    try:
        view.perform_authentication(request)
        view.check_permissions(request)
    except (NotAuthenticated, AuthenticationFailed) as refusal:
        refusal.auth_header = view.get_authenticate_header(request)  # type: ignore[union-attr]
        return refusal
    except (APIException, PermissionDenied, Http404) as refusal:
        return refusal
    except MALFORMED:  # authentication reads the query string, which is malformed
        return None
    return None


def throttle_cache_failed(error: Exception) -> bool:
    """Return True if `error` was raised by a cache that a throttle used."""
    # An APIException is not an error of a cache. The throttles of this app catch errors of their cache themselves.
    if isinstance(error, APIException):
        return False
    # Each cache backend has error classes of its own, so only the traceback shows where the error comes from.
    throttling, trace = False, error.__traceback__
    while trace is not None:
        throttling = throttling or trace.tb_frame.f_code is APIView.check_throttles.__code__
        if throttling and _is_of_a_cache(trace):
            return True
        trace = trace.tb_next
    return False


def _is_of_a_cache(trace: TracebackType) -> bool:
    return isinstance(trace.tb_frame.f_locals.get("self"), BaseCache)


def scheme_of(token: AccessToken) -> str:
    """Return the authentication scheme by which a request presented its verified token: DPoP or Bearer."""
    return DPOP if token.is_bound else BEARER


def refusal(demand: Demand, scheme: str) -> APIException:
    """Return the exception that refuses a request which does not meet `demand`.

    Its challenge is for `scheme`, or for DPoP if the request needs a token that is bound to a key. TryLater (503) has
    no challenge.
    """
    if demand.retry_after:
        return TryLater(demand.retry_after)
    if demand.inactive:
        return TokenRefused(Reason.REVOKED, scheme=scheme)
    if demand.bound:
        return TokenRefused(Reason.UNBOUND, "cnf", scheme=DPOP)
    if demand.acr or demand.max_age is not None:
        max_age = "" if demand.max_age is None else str(demand.max_age)
        description = "A stronger or more recent login is needed"
        return StepUp(
            "insufficient_user_authentication",
            description,
            scheme=scheme,
            acr_values=" ".join(demand.acr),
            max_age=max_age,
            scope=" ".join(demand.scopes),
        )
    description, scope = "The token's scope is not enough", " ".join(demand.scopes)
    return Forbidden("insufficient_scope", description, scheme=scheme, scope=scope)
