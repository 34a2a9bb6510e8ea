"""The admin's login page: rate-limited like the issuer's own login, and protected from embedding by other sites.

Both pages end a session of the login page together with the messages to its clients.
"""

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tokens.views.limits import limited_login
from tokens.views.pages import ADMIN_HEADERS, private

_login = admin.site.login


def login(request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
    """Serve Django's login page, without messages that an earlier user of this browser left in the session."""
    list(messages.get_messages(request))  # reading removes them from the session
    return _login(request, {**(extra_context or {}), "messages": []})


admin.site.logout = transaction.atomic(admin.site.logout)  # type: ignore[method-assign]
admin.site.login = private(limited_login("username")(login), headers=ADMIN_HEADERS)  # type: ignore[method-assign,assignment]
