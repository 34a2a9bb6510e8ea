"""The audit trail in the admin, read-only: the newest events first, a filter, and an export as CSV."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from tokens.admin.audit_export import EXPORTED, lines
from tokens.admin.audit_filter import NAMES, EventFilter
from tokens.admin.events import record
from tokens.admin.long_list import PrefixSearch
from tokens.admin.read_only import ReadOnly
from tokens.admin.search import uuid
from tokens.admin.token_link import SUBJECT, TokenFields
from tokens.audit import search
from tokens.models import AuditEvent, User

NOUNS = ("user", "client", "grant", "key", "api", "scope", "command", "ring", "group")
"""The types that stand before the colon in an actor or subject. A search word without a colon is tried with each."""


@admin.register(AuditEvent)
class AuditEventAdmin(TokenFields, PrefixSearch, ReadOnly):
    """The admin page of audit events, newest first."""

    list_display = ["actor", "action", "subject", "at_second"]
    token_fields = {"actor": SUBJECT, "subject": SUBJECT, "details": ""}
    list_filter = [EventFilter]
    fields = ("actor", "action", "subject", "at_second", "details")
    readonly_fields = ("actor", "action", "subject", "at_second", "details")
    sortable_by = ()  # the list is in the order of the index on `at`
    search_fields = ["actor", "subject", "action"]
    search_help_text = gettext_lazy(
        "The beginning of an actor, subject or event (ada, client:webapp, key.revoked), a grant ID, or a user's sub."
    )
    change_list_template = "admin/tokens/auditevent/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        """Return Django's URLs of an event, and the URL of the export."""
        export = path("export.csv", self.admin_site.admin_view(self.export), name="tokens_auditevent_export")
        return [export, *super().get_urls()]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return True if `lookup` is a field of the filter, or a lookup that Django allows."""
        return lookup in NAMES or super().lookup_allowed(lookup, value, request)

    @admin.display(description=gettext_lazy("at (UTC)"), ordering="at")
    def at_second(self, obj: AuditEvent) -> str:
        """Return the date and time of the event, to the second."""
        return f"{obj.at:%Y-%m-%d %H:%M:%S}"

    def conditions(self, word: str) -> Iterable[Q]:
        """Yield query conditions. An event matches the search term `word` if it satisfies one of the conditions.

        If `word` is the `sub` of a user, an event that names this user by username matches, too.
        """
        value = uuid(word)
        typed = str(value or word)
        yield Q(action__startswith=typed)
        for beginning in (typed,) if ":" in typed else (typed, *(f"{noun}:{typed}" for noun in NOUNS)):
            yield from (Q(actor__startswith=beginning), Q(subject__startswith=beginning))
        # Events name a user by username, tokens by `sub`: translate, so that a token's `sub` can be searched for.
        user = User.objects.filter(sub=value).first() if value else None
        if user is not None:
            name = f"user:{user.get_username()}"
            yield from (Q(actor=name), Q(subject=name))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the events, with a link to the export."""
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if (changelist := context.get("cl")) is not None:
            context["export_query"] = changelist.get_query_string()
        return response

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Return the newest EXPORTED events of the filtered list as CSV. Records an audit event for the export.

        Redirects to the list if a query parameter is invalid. Raises PermissionDenied if the administrator may not view
        the audit trail.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            events = self.get_changelist_instance(request).get_queryset(request)
        except admin.options.IncorrectLookupParameters:
            return HttpResponseRedirect("./")
        limits = {name: request.GET[name] for name in (*NAMES, "q") if request.GET.get(name)}
        record(request, "audit.exported", "audit:events", limits)
        exported: Iterator[AuditEvent] = search.newest(events, limit=EXPORTED)
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines(exported), content_type="text/csv; charset=utf-8", headers=headers)
