"""A page of the admin that shows and never changes."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """Rows to look at, by the filters that the page has: by any other, a hash is guessed letter by letter."""

    def lookup_allowed(self, lookup: str, _value: str, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's name)
        """What the page's own filters ask."""
        filters = {f"{name}{how}" for name in map(str, self.list_filter) for how in ("", "__exact", "__id__exact")}
        dates = {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day", "gte", "lt")}
        return lookup in filters | dates

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody deletes."""
        return False
