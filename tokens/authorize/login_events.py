"""Receives Django's signals of logins, logouts and failed logins, on the issuer's pages and in the admin.

- Each of these events is written to the audit log.
- At a logout, the clients of the session get logout messages, and the grants that end with the session are revoked.

Django passes no time to the functions of this module. So they read the clock, as a view does.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from tokens.account import browser_session
from tokens.audit import trail
from tokens.authorize import login_session
from tokens.keys import store
from tokens.limits import rate_limit


@receiver(user_logged_in, dispatch_uid="tokens.authorize.login_events.logged_in")
def logged_in(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Log that a user logged in on the login page or on the admin's login page."""
    _log("user.logged_in", f"user:{user.get_username()}", request)


@receiver(user_logged_out, dispatch_uid="tokens.authorize.login_events.logged_out")
def logged_out(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Log that a user logged out, queue logout messages to the session's clients, and revoke the session's grants.

    The revoked grants are those that end with the session. The caller of Django's `logout`, which sends the signal,
    must open a transaction.
    """
    if user is None:  # the session had already ended
        return
    if request is not None:
        login_session.end(request, user, now=store.database_now())
    _log("user.logged_out", f"user:{user.get_username()}", request)


@receiver(user_logged_out, dispatch_uid="tokens.authorize.login_events.forget")
def forget(request: HttpRequest | None, **_: Any) -> None:
    """Delete the session from the user's list of browser sessions when the user logs out."""
    if request is not None:
        browser_session.forget(request.session)


@receiver(user_login_failed, dispatch_uid="tokens.authorize.login_events.failed")
def failed(request: HttpRequest | None = None, **_: Any) -> None:
    """Log that a login failed."""
    # The typed name is not logged, because users type their password into the wrong field.
    _log("user.login_failed", "user:unknown", request)


def _log(action: str, subject: str, request: HttpRequest | None) -> None:
    details = {"address": rate_limit.address(request)} if request is not None else {}
    trail.log(action, actor=subject, subject=subject, details=details, now=timezone.now())
