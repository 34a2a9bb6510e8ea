"""User grants in the admin: read-only, but an administrator can revoke a grant and every token issued under it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from tokens.admin import events
from tokens.admin.long_list import LongList
from tokens.admin.read_only import ReadOnly
from tokens.admin.search import ByUuid
from tokens.admin.token_link import TokenFields
from tokens.keys import store
from tokens.models import DeviceCode, RefreshToken, UserGrant
from tokens.revoking import access

REASON = "revoked in the admin"


class RefreshTokenInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The inline table of a grant's refresh tokens: when each was issued and used. The token itself is not shown."""

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
class DeviceCodeAdmin(TokenFields, LongList, ReadOnly):
    """The admin page of device codes (RFC 8628): open, answered and expired, until `purge_tokens` deletes them."""

    list_display = ["client", "created_at", "expires_at", "asked_at", "grant", "refused_at", "redeemed_at"]
    token_fields = {"audience": "aud", "grant": "grant_id"}
    list_select_related = ["client", "grant"]
    exclude = ["digest", "user_code_digest"]


@admin.register(UserGrant)
class UserGrantAdmin(TokenFields, ByUuid, LongList, ReadOnly):
    """The admin page of user grants. Each token issued under a grant carries the grant's id."""

    list_display = ["id", "user", "client", "audience", "created_at", "revoked_at", "revoke_reason"]
    token_fields = {"id": "grant_id", "audience": "aud", "sid": "sid"}
    readonly_fields = ["id"]
    list_select_related = ["user", "client"]
    search_fields = ["=id", "=user__sub", "user__username", "client__client_id"]
    search_help_text = gettext_lazy("Search by grant id, username, sub or client_id.")
    inlines = [RefreshTokenInline]
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return True if the administrator may change grants. The permission to view grants is not enough."""
        return request.user.has_perm("tokens.change_usergrant")

    @admin.action(description=gettext_lazy("Revoke the selected grants and their tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[UserGrant]) -> None:
        """Revoke the selected grants with their tokens and consents."""
        actor = events.actor(request)
        number = access.revoke_selected(queryset, reason=REASON, actor=actor, now=store.database_now())
        message = gettext("Grants revoked: %(number)s.") % {"number": number}
        self.message_user(request, message, messages.SUCCESS)
