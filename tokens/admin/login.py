"""The admin's login page: rate-limited like the issuer's own login, and protected from embedding by other sites.

A user with a second factor logs in at the issuer's login page instead, which asks for the factor.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tokens.factors import enrolment
from tokens.views.limits import limited_login
from tokens.views.pages import ADMIN_HEADERS, log_in_first, private

_login = admin.site.login


class NeedsSecondFactor(Exception):
    """The password was right, and the user has a second factor, which this page cannot ask for."""


class PasswordOnlyForm(AdminAuthenticationForm):
    """Django's form, for users whose password is enough."""

    def confirm_login_allowed(self, user: Any) -> None:
        """Raise NeedsSecondFactor if the user has one, else as Django does."""
        super().confirm_login_allowed(user)
        if enrolment.types(user):
            raise NeedsSecondFactor


def login(request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
    """Serve Django's login page, without messages that an earlier user of this browser left in the session."""
    list(messages.get_messages(request))  # reading removes them from the session
    try:
        return _login(request, {**(extra_context or {}), "messages": []})
    except NeedsSecondFactor:
        return log_in_first(_target(request))


def _target(request: HttpRequest) -> str:
    """Return the address to which the login leads. The login page compares its host."""
    given = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    return given or reverse("admin:index")


admin.site.login_form = PasswordOnlyForm
admin.site.login = private(limited_login("username")(login), headers=ADMIN_HEADERS)  # type: ignore[method-assign,assignment]
