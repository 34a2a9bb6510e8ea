"""Rings and signing keys in the admin: to look at. They change through `manage.py rotate_keys` and nothing else."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tokens.keys import lifecycle, store
from tokens.models.key import Ring, SigningKey


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """A page that shows and never changes."""

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


@admin.register(Ring)
class RingAdmin(ReadOnly):
    """A ring and the timings in force."""

    list_display = ["name", "algorithm"]


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly):
    """The keys of every ring with their phase at this moment; no private material."""

    list_display = ["kid", "ring", "phase", "announced_at", "signs_at", "withdraw_at"]
    list_filter = ["ring"]
    search_fields = ["kid"]
    exclude = ["mac", "sealed"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SigningKey]:
        """Newest first, without the sealed halves: nothing here needs them."""
        return super().get_queryset(request).select_related("ring").order_by("-announced_at").defer("sealed", "mac")

    @admin.display(description="phase")
    def phase(self, row: SigningKey) -> str:
        """Where the key is in its life, computed from the dates."""
        keys = [one.key for one in store.load(row.ring.name)]
        key = next(key for key in keys if key.kid == row.kid)
        return lifecycle.phase(key, keys, now=timezone.now()).value
