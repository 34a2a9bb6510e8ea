"""Lists that stay fast if a table has millions of rows.

- A list counts at most LIMIT rows. Numbered pages show only the first LIMIT rows, because a query with a large OFFSET
  is slow. `keyset_list` shows the rows after the first LIMIT rows.
- A search compares words with the beginnings of indexed fields, and with whole UUIDs.
- No page shows how many rows the table has, because each request would have to count them.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from tokens.admin.keyset_list import KeysetList
from tokens.admin.search import uuid

LIMIT = 1000
"""The greatest number of rows on all numbered pages together. It is small, because an offset reads skipped rows."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # a plain class at run time
    """A paginator over the first LIMIT rows of a query."""

    @cached_property
    def match_count(self) -> int:
        """Return the number of matching rows, or LIMIT + 1 if there are more than LIMIT."""
        rows: Any = self.object_list
        return int(rows.order_by()[: LIMIT + 1].count())

    @cached_property
    def count(self) -> int:
        """Return the number of rows that the numbered pages show."""
        return min(self.match_count, LIMIT)

    @property
    def has_more(self) -> bool:
        """Return True if there are rows beyond the last page."""
        return self.match_count > LIMIT


class LongList(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """An admin page whose list stays fast with millions of rows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each facet counts all rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetList]:  # noqa: ARG002 (Django's names)
        """Return the class that reads the rows of the list and links its pages."""
        return KeysetList


class PrefixSearch(LongList):
    """An admin page whose search finds the rows that match every word of the search term.

    A word matches a row if one of the row's `prefixes` fields begins with it, or one of the `uuids` fields equals it.
    `prefixes` are lookups that an index serves, such as `username__istartswith`. `uuids` are fields of type UUID.
    """

    prefixes: ClassVar[tuple[str, ...]]
    uuids: ClassVar[tuple[str, ...]] = ()

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that match every word, and False, because the rows contain no duplicates."""
        words = search_term.split()
        matches = queryset
        for word in words:
            matches = matches.filter(any_of(self.conditions(word)))
        return (_by_key(matches, among=queryset) if words else queryset), False

    def conditions(self, word: str) -> Iterable[Q]:
        """Yield the alternative conditions for `word`. A row matches `word` if one of the conditions holds."""
        yield from (Q(**{lookup: word}) for lookup in self.prefixes)
        if (value := uuid(word)) is not None:
            yield from (Q(**{field: value}) for field in self.uuids)


def _by_key(matches: QuerySet[Any], *, among: QuerySet[Any]) -> QuerySet[Any]:
    """Return a faster query for the rows in `matches`: it selects the rows in `among` by their primary keys.

    Reads the primary keys of the rows in `matches` first. `matches` is the query for the rows that match the search,
    and `among` is the query for the whole list. If more than LIMIT rows match, returns `matches`.
    """
    # In the list's order, PostgreSQL might read every row to find a few. In no order, it uses the indexes of prefixes.
    keys = list(matches.order_by().values_list("pk", flat=True)[: LIMIT + 1])
    return among.filter(pk__in=keys) if len(keys) <= LIMIT else matches


def any_of(conditions: Iterable[Q]) -> Q:
    """Return the condition that at least one of `conditions` holds (OR)."""
    disjunction = Q()
    for condition in conditions:
        disjunction |= condition
    return disjunction
