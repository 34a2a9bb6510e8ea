"""Search by UUID. A `sub` or grant id is found in each spelling that a token or log can contain."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


class ByUuid(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """An admin page whose search accepts a UUID without hyphens, in capitals, or as a URN (RFC 9562 section 4)."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that match the search term, and True if the result can have the same row twice.

        Searches for the term as typed, and for the term with its UUIDs in the database's spelling.
        """
        results, may_repeat = super().get_search_results(request, queryset, search_term)
        normalized = " ".join(str(uuid(word) or word) for word in search_term.split())
        if normalized == search_term:
            return results, may_repeat
        more_results, more_may_repeat = super().get_search_results(request, queryset, normalized)
        return results | more_results, may_repeat or more_may_repeat


def uuid(word: str) -> UUID | None:
    """Return `word` as a UUID, or None if `word` is not a UUID."""
    try:
        return UUID(word)
    except ValueError:
        return None
