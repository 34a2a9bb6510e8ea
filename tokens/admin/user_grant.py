"""The grants that users gave, in the admin: to be read, and revoked with every token issued under them."""

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
    """The family: when each refresh token was made and used, and never what it is."""

    model = RefreshToken
    fields = ("created_at", "expires_at", "used_at", "retried_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """They are made at the token endpoint."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """And used there."""
        return False


@admin.register(DeviceCode)
class DeviceCodeAdmin(ReadOnly):
    """Devices that wait for their user, or waited lately."""

    list_display = ["client", "created_at", "expires_at", "asked_at", "grant", "refused_at", "redeemed_at"]
    list_select_related = ["client", "grant"]
    exclude = ["digest", "user_code_digest"]


@admin.register(UserGrant)
class UserGrantAdmin(ByUuid, ReadOnly):
    """A grant is the family of the tokens that carry its id."""

    list_display = ["id", "user", "client", "audience", "created_at", "revoked_at", "revoke_reason"]
    list_select_related = ["user", "client"]
    search_fields = ["=id", "=user__sub", "user__username", "client__client_id"]
    search_help_text = "By grant id, or by the user's name or sub, or the client's id."
    inlines = [RefreshTokenInline]
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever may change grants may revoke them; looking at them is not enough."""
        return request.user.has_perm("tokens.change_usergrant")

    @admin.action(description="Revoke the selected grants and their tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[UserGrant]) -> None:
        """End each grant that still stands and forget the consent to it; the audit trail keeps who did it."""
        now = store.database_now()
        with transaction.atomic():
            standing = list(queryset.filter(revoked_at=None).order_by("client_id", "user_id", "pk"))
            user_grant.lock_all(Q(pk__in=[grant.pk for grant in standing]))
            for grant in standing:
                user_grant.revoke(grant, REASON, now=now)
                Consent.objects.filter(user=grant.user, client=grant.client).delete()
                record("grant.revoked", actor=f"user:{request.user.get_username()}", subject=f"grant:{grant}", now=now)
        self.message_user(request, f"Revoked: {len(standing)}.", messages.SUCCESS)
