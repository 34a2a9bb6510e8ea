"""Logout messages in the admin: pending, delivered and given up. Messages that were given up can be sent again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from tokens.admin import events
from tokens.admin.long_list import LongList
from tokens.admin.read_only import ReadOnly
from tokens.admin.token_link import TokenFields
from tokens.back_channel import outbox
from tokens.keys import store
from tokens.models import LogoutMessage


class StateFilter(admin.SimpleListFilter):
    """A list filter that shows the logout messages in one state, such as pending."""

    title, parameter_name = gettext_lazy("state"), "state"
    conditions = {"dead": "dead_at", "pending": "due_at", "delivered": "delivered_at"}

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return the states that the administrator can choose, each as its value and its translated name."""
        return [("dead", gettext("given up")), ("pending", gettext("pending")), ("delivered", gettext("delivered"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[LogoutMessage]) -> QuerySet[LogoutMessage]:
        """Return the messages in the chosen state, or all messages if none is chosen."""
        column = self.conditions.get(self.value() or "")
        return queryset.filter(**{f"{column}__isnull": False}) if column else queryset


@admin.register(LogoutMessage)
class LogoutMessageAdmin(TokenFields, LongList, ReadOnly):
    """The admin page of logout messages. No page shows a logout token: each attempt signs a new one."""

    list_display = ["created_at", "client", "sub", "attempts", "due_at", "delivered_at", "dead_at", "failure"]
    token_fields = {"sub": "sub", "sid": "sid"}
    list_select_related = ["client"]
    list_filter = [StateFilter]
    search_fields = ["=sub", "=sid", "client__client_id"]
    search_help_text = gettext_lazy("Search by sub, sid or client_id.")
    ordering = ["-created_at"]
    actions = ["send_again"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return True if the lookup belongs to a filter of the page."""
        return lookup == StateFilter.parameter_name or super().lookup_allowed(lookup, value, request)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return True if the administrator may change messages. The permission to view them is not enough."""
        return request.user.has_perm("tokens.change_logoutmessage")

    @admin.action(description=gettext_lazy("Send the selected messages again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[LogoutMessage]) -> None:
        """Send again those selected messages whose delivery was given up. Ignore the others."""
        actor = events.actor(request)
        number = outbox.send_again(queryset, actor=actor, now=store.database_now())
        message = gettext("Messages that are sent again: %(number)s.") % {"number": number}
        self.message_user(request, message, messages.SUCCESS)
