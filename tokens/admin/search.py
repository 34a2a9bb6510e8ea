"""Searching by a UUID, as a token or a log has it: a `sub`, a grant id."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


class ByUuid(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """A page whose search takes a UUID in any spelling: hyphens or not, in capitals, as a URN (RFC 9562 section 4)."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What is found by the words as they are, and with each UUID in the spelling that rows have."""
        found, repeats = super().get_search_results(request, queryset, search_term)
        spelled = " ".join(str(uuid(word) or word) for word in search_term.split())
        if spelled == search_term:
            return found, repeats
        more, repeats_too = super().get_search_results(request, queryset, spelled)
        return found | more, repeats or repeats_too


def uuid(word: str) -> UUID | None:
    """The UUID that `word` is, or None."""
    try:
        return UUID(word)
    except ValueError:
        return None
