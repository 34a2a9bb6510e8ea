"""The page for NotReady, which means that no key may sign, or that the time cannot be trusted.

The time cannot be trusted if the database's clock is unknown, or if this node's clock is wrong by more than
`clock_error`.
"""

import logging
from functools import wraps

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from tokens import errors
from tokens.keys.errors import NotReady
from tokens.views import failures
from tokens.views.pages import View

logger = logging.getLogger(__name__)


def page_if_not_ready(view: View) -> View:
    """Return a view that calls `view`, and that answers 503 with a page and Retry-After if `view` raises NotReady.

    The cause is in the log, but not on the page.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotReady as error:
            logger.error("Not ready: %s: %s", request.path, error)  # noqa: TRY400 (the reason is the message)
            page = failures.page(request, 503, _("Nothing was changed. Try again in a moment."))
            page.headers["Retry-After"] = str(error.retry_after)
            return errors.because(page, str(error))

    return answer
