"""The base class of the admin's read-only pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """A page that lists and shows rows. No administrator can add, change or delete rows on it."""

    def lookup_allowed(self, lookup: str, _value: str, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's name)
        """Return True if the lookup belongs to a filter of the page."""
        # Any other lookup in the query string (`digest__startswith=…`) would reveal a hash character by character.
        filters = {
            f"{name}{suffix}" for name in map(str, self.list_filter) for suffix in ("", "__exact", "__id__exact")
        }
        dates = {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day", "gte", "lt")}
        return lookup in filters | dates

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False: rows are not added here."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False: rows are not changed here."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False: rows are not deleted here."""
        return False
