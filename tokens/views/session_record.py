"""Updates the record of a browser session after each request of the session.

If a record cannot be written, the request still succeeds, because the session is valid without the record.
"""

import logging
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from tokens.account import browser_session
from tokens.account.browser_session import Visit
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.models import User

logger = logging.getLogger(__name__)
Answer = Callable[[HttpRequest], HttpResponseBase]


def session_record(answer: Answer) -> Answer:
    """Return middleware that updates the record of a user's session, such as the time of the last request.

    `answer` is the next middleware or the view. The record is updated after each request that used the session of a
    logged-in user. In MIDDLEWARE, this middleware must stand after SessionMiddleware.
    """

    def with_record(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        # For a request that did not read the session, the user is not looked up, so that it needs no statement.
        if request.session.accessed and request.user.is_authenticated:
            try:
                now = keyring.estimated_clock(now=timezone.now())
                browser_session.follow(request.session, visit(request, request.user), now=now)
            except (DatabaseError, InterfaceError):
                logger.exception("The record of a session could not be written")
        return response

    return with_record


def visit(request: HttpRequest, user: User) -> Visit:
    """Return the user, the User-Agent and the network address of the request, for the session's record."""
    return Visit(user, request.headers.get("User-Agent", ""), rate_limit.address(request))
