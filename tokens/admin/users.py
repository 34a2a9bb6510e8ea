"""Users in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from tokens import mass_revocation
from tokens.admin.audited import Audited, may_touch
from tokens.admin.search import ByUuid
from tokens.models import User
from tokens.oauth import everywhere


@admin.register(User)
class UserAdmin(ByUuid, Audited, DjangoUserAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """Django's own page, with the subject identifier that tokens name the user by."""

    noun = "user"
    privileges = ("is_staff", "is_superuser", "groups", "user_permissions")
    list_display = ["username", "email", "sub", "is_active", "is_staff", "last_login"]
    search_fields = ["username", "email", "first_name", "last_name", "=sub"]
    search_help_text = "By username, e-mail, name or sub."
    readonly_fields = ["sub", "last_login", "date_joined"]
    actions = ["log_out_everywhere"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nobody but a superuser gives anybody more than they have."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else [*fields, *self.privileges]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who may use the admin are changed, and given passwords, by superusers only."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """And deleted by them."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    @admin.action(description="Log the selected users out everywhere", permissions=["change"])
    def log_out_everywhere(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End every session, grant and token of each; they may log in anew."""
        users = [user for user in queryset.order_by("pk") if _may_touch(request, user)]
        for user in users:
            with transaction.atomic():
                everywhere.withdraw_consents(user)
                self.record(request, "logged_out_everywhere", user)
        mass_revocation.log_out(users, "logged out everywhere in the admin")
        self.message_user(request, f"Logged out everywhere: {len(users)}.", messages.SUCCESS)

    def name(self, obj: User) -> str:
        """By their username."""
        return obj.get_username()

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 (Django's name)
        """Django's page; whoever has a new password is logged out everywhere, and the trail says who gave it."""
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == 302:
                user = User.objects.get(pk=id)
                everywhere.log_out(user, "its user has a new password, or none")
                self.record(request, "password_changed", user)
        return response

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's fields, and `sub` where there is a user already."""
        fieldsets = super().get_fieldsets(request, obj)
        return [*fieldsets, ("Tokens", {"fields": ["sub"]})] if obj else fieldsets


def _may_touch(request: HttpRequest, obj: Any) -> bool:
    return obj is None or may_touch(request, obj)
