"""The audit trail in the admin: to be read."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tokens.admin.read_only import ReadOnly
from tokens.admin.search import ByUuid, uuid
from tokens.models import AuditEvent, User


@admin.register(AuditEvent)
class AuditEventAdmin(ByUuid, ReadOnly):
    """What happened, newest first."""

    list_display = ["at", "action", "subject", "actor"]
    list_filter = ["action"]
    search_fields = ["actor", "subject", "action"]
    search_help_text = "By what was done, by whom or to what (user:ada, client:webapp, a grant id), or by a user's sub."
    date_hierarchy = "at"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By a `sub` too: events name a user by their username."""
        found, repeats = super().get_search_results(request, queryset, search_term)
        sub = uuid(search_term.strip())
        user = User.objects.filter(sub=sub).first() if sub else None
        if user is None:
            return found, repeats
        name = f"user:{user.get_username()}"
        return found | queryset.filter(Q(subject=name) | Q(actor=name)), repeats
