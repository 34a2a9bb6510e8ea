"""The admin's login page: rate-limited like the issuer's own login, and protected from embedding by other sites.

- A user with a second factor logs in at the issuer's login page instead, which asks for the factor.
- If the operator requires a second factor (`factors.obligation`), each page of the admin needs a login with a second
  factor. A user without a factor is redirected to the pages that set one up.
- A logout in the admin ends the session and stores the logout messages to the session's clients, in one transaction.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tokens.authentication_class import satisfies
from tokens.authorize import login_session
from tokens.factors import enrolment, obligation
from tokens.views import step_up
from tokens.views.authorization_answer import see_other
from tokens.views.limits import limited_login
from tokens.views.pages import ADMIN_HEADERS, log_in_first, private

_login, _has_permission = admin.site.login, admin.site.has_permission


class NeedsSecondFactor(Exception):
    """The password was right, but the user has or needs a second factor, which this page cannot ask for."""


class PasswordOnlyForm(AdminAuthenticationForm):
    """Django's login form. It admits only users who need no second factor."""

    def confirm_login_allowed(self, user: Any) -> None:
        """Check the user as Django does. Raises NeedsSecondFactor if the user has or needs a second factor."""
        super().confirm_login_allowed(user)
        if enrolment.types(user) or obligation.of_user(user):
            raise NeedsSecondFactor


def login(request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
    """Serve Django's login page, without messages that an earlier user of this browser left in the session.

    Redirects a user who has or needs a second factor to the issuer's login page. Redirects a logged-in administrator
    whose login lacks the required factor to the page that asks for this factor.
    """
    list(messages.get_messages(request))  # reading removes them from the session
    if (needed := _missing_class(request)) and _has_permission(request):
        return see_other(step_up.address(needed, _target(request)))
    try:
        return _login(request, {**(extra_context or {}), "messages": []})
    except NeedsSecondFactor:
        return log_in_first(_target(request))


def has_permission(request: HttpRequest) -> bool:
    """Return True if the user may see the admin, and logged in with the factor that the operator requires, if any."""
    return _has_permission(request) and not _missing_class(request)


def _missing_class(request: HttpRequest) -> str:
    """Return the `acr` value that the admin requires of the user, if the user's login does not satisfy it.

    Returns "" if the login satisfies the requirement, if nothing is required, or if no user is logged in.
    """
    if not request.user.is_authenticated:
        return ""
    required, login = obligation.of_user(request.user), login_session.current(request)
    return "" if satisfies(login.acr if login else "", required) else required


def _target(request: HttpRequest) -> str:
    """Return the URL to open after the login: the URL in the request, or else the admin's start page.

    Does not check if the URL is safe.
    """
    next_url = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    return next_url or reverse("admin:index")


admin.site.login_form = PasswordOnlyForm
admin.site.has_permission = has_permission  # type: ignore[method-assign]
admin.site.logout = transaction.atomic(admin.site.logout)  # type: ignore[method-assign]
admin.site.login = private(limited_login("username")(login), headers=ADMIN_HEADERS)  # type: ignore[method-assign,assignment]
