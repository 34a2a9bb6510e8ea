"""The answers for NotReady, in JSON and as a page. NotReady means that no key may sign or the time cannot be trusted.

The time cannot be trusted if the database's clock is unknown, or if this node's clock is wrong by more than
`clock_error`.
"""

import logging
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _

from tokens import errors
from tokens.keys.errors import NotReady
from tokens.views import failures
from tokens.views.pages import View

logger = logging.getLogger(__name__)
CANNOT_SIGN = "The issuer cannot sign at the moment."


def answer(error: NotReady, *, description: str = CANNOT_SIGN) -> JsonResponse:
    """Return 503 in JSON with `description` and the header `Retry-After`. Only the log has the cause."""
    return errors.unavailable(error.retry_after, reason=str(error), description=description)


def json_if_not_ready(*, description: str = CANNOT_SIGN) -> Callable[[View], View]:
    """Return a decorator that answers 503 in JSON with `description` if a view raises NotReady."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer_or_503(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except NotReady as error:
                return answer(error, description=description)

        return answer_or_503

    return decorate


def page_if_not_ready(view: View) -> View:
    """Return a view that calls `view`, and that answers 503 with a page and Retry-After if `view` raises NotReady.

    The cause is in the log, but not on the page.
    """

    @wraps(view)
    def answer_or_page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotReady as error:
            logger.error("Not ready: %s: %s", request.path, error)  # noqa: TRY400 (the reason is the message)
            page = failures.page(request, 503, _("Nothing was changed. Try again in a moment."))
            page.headers["Retry-After"] = str(error.retry_after)
            return errors.because(page, str(error))

    return answer_or_page
