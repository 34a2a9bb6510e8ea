"""User grants in the admin: read-only, but they can be revoked with every token issued under them."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tokens.admin.read_only import ReadOnly
from tokens.admin.search import ByUuid
from tokens.audit.trail import record
from tokens.issued import user_grant
from tokens.keys import store
from tokens.models import Consent, DeviceCode, RefreshToken, UserGrant

REASON = "revoked in the admin"


class RefreshTokenInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The refresh tokens of a grant: when each was issued and used. Never the token itself."""

    model = RefreshToken
    fields = ("created_at", "expires_at", "used_at", "retried_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False: only the token endpoint issues refresh tokens."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False: only the token endpoint changes refresh tokens."""
        return False


@admin.register(DeviceCode)
class DeviceCodeAdmin(ReadOnly):
    """Device codes (RFC 8628): open, answered and expired, until `purge_tokens` deletes them."""

    list_display = ["client", "created_at", "expires_at", "asked_at", "grant", "refused_at", "redeemed_at"]
    list_select_related = ["client", "grant"]
    exclude = ["digest", "user_code_digest"]


@admin.register(UserGrant)
class UserGrantAdmin(ByUuid, ReadOnly):
    """User grants. Each token issued under a grant carries the grant's id."""

    list_display = ["id", "user", "client", "audience", "created_at", "revoked_at", "revoke_reason"]
    list_select_related = ["user", "client"]
    search_fields = ["=id", "=user__sub", "user__username", "client__client_id"]
    search_help_text = "Search by grant id, username, sub or client_id."
    inlines = [RefreshTokenInline]
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return True if the administrator may change grants; the permission to view them is not enough."""
        return request.user.has_perm("tokens.change_usergrant")

    @admin.action(description="Revoke the selected grants and their tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[UserGrant]) -> None:
        """Revoke each selected grant unless it is revoked already, delete its consent, and record an audit event."""
        now = store.database_now()
        with transaction.atomic():
            # Lock every grant before the first change, and delete consents in one order: this prevents deadlocks.
            active = list(queryset.filter(revoked_at=None).order_by("client_id", "user_id", "pk"))
            user_grant.lock_all(Q(pk__in=[grant.pk for grant in active]))
            for grant in active:
                user_grant.revoke(grant, REASON, now=now)
                Consent.objects.filter(user=grant.user, client=grant.client).delete()
                record("grant.revoked", actor=f"user:{request.user.get_username()}", subject=f"grant:{grant}", now=now)
        self.message_user(request, f"Grants revoked: {len(active)}.", messages.SUCCESS)
