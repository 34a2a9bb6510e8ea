"""The admin's login page: limited as the issuer's own, closed to other sites, without messages of an earlier user."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse

from tokens.views.limits import limited_login
from tokens.views.pages import ADMIN_HEADERS, private

_login = admin.site.login


def login(request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
    """Serve Django's page, and drop the messages that are left in this browser's session."""
    list(messages.get_messages(request))  # reading removes them from the session
    return _login(request, {**(extra_context or {}), "messages": []})


admin.site.login = private(limited_login("username")(login), headers=ADMIN_HEADERS)  # type: ignore[method-assign,assignment]
