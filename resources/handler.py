"""DRF's EXCEPTION_HANDLER: what a permission found missing, or a body got wrong, becomes a status and a challenge."""

import logging
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import Error
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from resources.challenges import DatabaseAway, Forbidden, StepUp, TokenRefused, TooLarge, TryLater
from resources.database_errors import outage
from resources.errors import Reason
from resources.permissions import Demand, demand_of

logger = logging.getLogger(__name__)
MALFORMED = (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError)
"""What Django raises for a request that it cannot read, and would answer with a page."""


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER, with the challenge for what a permission found missing."""
    if (demand := demand_of(error, context)) is not None:
        error = refusal(demand)
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, MALFORMED):
        error = ParseError("The request cannot be read")
    elif isinstance(error, Error) and (reason := outage(error)):
        logger.error("Answered by 503: %s", reason)
        error = DatabaseAway()
    return drf_exception_handler(error, context)


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
