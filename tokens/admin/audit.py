"""The audit trail in the admin, read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tokens.admin.read_only import ReadOnly
from tokens.admin.search import ByUuid, uuid
from tokens.models import AuditEvent, User


@admin.register(AuditEvent)
class AuditEventAdmin(ByUuid, ReadOnly):
    """Audit events, newest first."""

    list_display = ["at", "action", "subject", "actor"]
    list_filter = ["action"]
    search_fields = ["actor", "subject", "action"]
    search_help_text = "Search by action, actor or subject (user:ada, client:webapp, a grant id), or by a user's sub."
    date_hierarchy = "at"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the events that match, including the events of the user whose `sub` the search term is."""
        results, may_repeat = super().get_search_results(request, queryset, search_term)
        # Events name a user by username, tokens by `sub`: translate, so that a token's `sub` can be searched for.
        sub = uuid(search_term.strip())
        user = User.objects.filter(sub=sub).first() if sub else None
        if user is None:
            return results, may_repeat
        name = f"user:{user.get_username()}"
        return results | queryset.filter(Q(subject=name) | Q(actor=name)), may_repeat
