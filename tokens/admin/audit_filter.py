"""The filter of the audit trail: actor, client, event, and time, as one form beside the list."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from tokens.audit import search
from tokens.audit.search import Wanted
from tokens.models import AuditEvent

NAMES = ("actor", "client", "event", "since", "until")


class Instant(forms.DateTimeField):
    """A form field for a date and time in UTC. The browser sends no time zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S")

    def to_python(self, value: Any) -> Any:
        """Return the date and time that the browser sent, as an instant in UTC. Returns None for an empty field."""
        instant = super().to_python(value)
        return instant.replace(tzinfo=UTC) if instant is not None else None


class FilterForm(forms.Form):
    """The form that filters the audit trail."""

    actor = forms.CharField(
        required=False, max_length=255, label=gettext_lazy("Actor"), help_text=gettext_lazy("For example user:ada.")
    )
    client = forms.CharField(
        required=False,
        max_length=255,
        label=gettext_lazy("Client ID"),
        help_text=gettext_lazy("Events about the client, and events that it caused."),
    )
    event = forms.CharField(
        required=False, max_length=64, label=gettext_lazy("Event"), widget=forms.TextInput(attrs={"list": "events"})
    )
    since = Instant(required=False, label=gettext_lazy("From (UTC)"))
    until = Instant(required=False, label=gettext_lazy("Before (UTC)"))

    def narrow(self, events: "QuerySet[AuditEvent]") -> "QuerySet[AuditEvent]":
        """Return those of `events` that the form selects. Returns no events if the form is invalid."""
        if not self.is_valid():
            return events.none()
        data = self.cleaned_data
        wanted = Wanted(
            actor=data["actor"],
            client=data["client"],
            action=data["event"],
            since=data["since"],
            until=data["until"],
        )
        return search.narrow(events, wanted)


class EventFilter(admin.ListFilter):
    """A list filter of Django that consists of one form, which the page shows beside the list of events."""

    title = gettext_lazy("actor, client, event and time")
    template = "admin/tokens/auditevent/filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.used_parameters = {name: params.pop(name)[-1] for name in NAMES if name in params}
        self.form = FilterForm(self.used_parameters)

    def has_output(self) -> bool:
        """Return True: the form is always shown."""
        return True

    def expected_parameters(self) -> list[str | None]:
        """Return the names of the query parameters that belong to the filter."""
        return list(NAMES)

    def queryset(self, _request: HttpRequest, queryset: "QuerySet[AuditEvent]") -> "QuerySet[AuditEvent]":
        """Return the events of `queryset` that the filter form selects."""
        return self.form.narrow(queryset) if self.used_parameters else queryset

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the template's variables: the form, the event names to suggest, and the text of the search box."""
        yield {"fields": self.form, "events": search.actions(), "query": changelist.query, "used": self.used_parameters}
