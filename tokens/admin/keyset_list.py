"""The pages of a long list. The first pages have numbers. Any other page is found by the key of a row (keyset paging).

- `?follows=KEY` shows the rows after the row with the primary key KEY, `?precedes=KEY` the rows before it. The database
  reads only the rows of the page, at any place in the list.
- If KEY is malformed, or the administrator cannot see the row of KEY, Django redirects to the first page.
- An action on selected rows ignores KEY. So the action runs even if the row of KEY was deleted after the page was made.
- Search, filters and column headers lead to the first page of their result.
"""

from typing import Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from tokens.admin import list_order
from tokens.admin.list_order import Column

FOLLOWS, PRECEDES = "follows", "precedes"


class KeysetList(ChangeList):
    """One page of a list in the admin (Django's ChangeList), with links to the previous and the next page."""

    order: tuple[Column, ...] = ()
    """The columns by which the list is sorted. Empty if the list cannot be paged by key."""
    by_key = False
    """True if the page was requested by the key of a row. Its rows are not counted."""
    has_next = has_previous = False

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        """Return the rows on all pages, sorted."""
        # Django builds the links of search, filters and columns from the parameters that remain.
        for name in (FOLLOWS, PRECEDES):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the arguments of `order_by` that sort the list, and set `self.order` to the same columns."""
        ordering = super().get_ordering(request, queryset)
        self.order = list_order.columns(self.model, ordering)
        return [column.expression for column in self.order] or list(ordering)

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows of the requested page.

        The URL names the page by its number, by the row before it (`?follows=KEY`), or by the row after it
        (`?precedes=KEY`). KEY is the primary key of the row.

        Raises IncorrectLookupParameters if the number or KEY is not valid.
        """
        names = [name for name in (FOLLOWS, PRECEDES) if name in request.GET]
        if names and request.method != "POST":
            self._read_by_key(names, request)
            self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
            return
        super().get_results(request)
        is_whole = not self.multi_page or (self.show_all and self.can_show_all)
        more: bool = getattr(self.paginator, "has_more", False) or self.page_num < self.paginator.num_pages
        self.has_next = bool(self.order) and not is_whole and more

    def _read_by_key(self, names: list[str], request: HttpRequest) -> None:
        """Read the page after or before the row whose key is in the URL, and set whether further pages exist.

        `names` lists which of the parameters FOLLOWS and PRECEDES the URL contains. Raises IncorrectLookupParameters if
        the URL contains both, if the list cannot be paged by key, or if the key is not valid.
        """
        if len(names) > 1 or not self.order:
            raise IncorrectLookupParameters
        is_backwards = names == [PRECEDES]
        order = [column.opposite for column in self.order] if is_backwards else self.order
        row = self._row(request.GET[names[0]])
        further_rows = self.queryset.filter(list_order.following(order, row))
        rows = list(further_rows.order_by(*(column.expression for column in order))[: self.list_per_page + 1])
        has_more = len(rows) > self.list_per_page
        rows = rows[: self.list_per_page]
        self._show(rows[::-1] if is_backwards else rows)
        self.has_next, self.has_previous = (True, has_more) if is_backwards else (has_more, True)

    def _row(self, key: str) -> Model:
        """Return the row with the primary key `key`, even if the filters of the list exclude the row.

        Raises IncorrectLookupParameters if there is no such row, or if the administrator cannot see the row.
        """
        try:
            row: Model = forms.ModelChoiceField(self.root_queryset).clean(key)
        except (ValidationError, OverflowError) as error:  # SQLite raises OverflowError for the key of a related row
            raise IncorrectLookupParameters from error
        return row

    def _show(self, rows: list[Any]) -> None:
        """Set the attributes that Django's template and actions read, as if `rows` were the whole list on one page."""
        self.by_key = True
        self.result_list, self.result_count = rows, len(rows)
        self.full_result_count = None
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = True

    @property
    def first_page(self) -> str:
        """Return the link to the first page if this page was found by the key of a row, else ""."""
        return self._link() if self.by_key else ""

    @property
    def next_page(self) -> str:
        """Return the link to the rows after the last row of the page, or "" if there are none."""
        rows = list(self.result_list) if self.has_next else []
        return self._link({FOLLOWS: rows[-1].pk}) if rows else ""

    @property
    def previous_page(self) -> str:
        """Return the link to the rows before the first row of the page, or "" if there are none."""
        rows = list(self.result_list) if self.has_previous else []
        return self._link({PRECEDES: rows[0].pk}) if rows else ""

    def _link(self, position: dict[str, Any] | None = None) -> str:
        return self.get_query_string({ALL_VAR: None, **(position or {})})
