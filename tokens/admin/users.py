"""Users in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tokens.audit import record
from tokens.models import User
from tokens.oauth import everywhere


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """Django's own page, with the subject identifier that tokens name the user by."""

    list_display = ["username", "email", "sub", "is_active", "is_staff", "last_login"]
    search_fields = ["username", "email", "first_name", "last_name", "=sub"]
    readonly_fields = ["sub", "last_login", "date_joined"]
    actions = ["log_out_everywhere"]

    @admin.action(description="Log the selected users out everywhere", permissions=["change"])
    def log_out_everywhere(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End every session, grant and token of each; they may log in anew."""
        actor, users = f"user:{request.user.get_username()}", list(queryset)
        for user in users:
            everywhere.log_out(user, "logged out everywhere in the admin")
            subject = f"user:{user.get_username()}"
            record("user.logged_out_everywhere", actor=actor, subject=subject, now=timezone.now())
        self.message_user(request, f"Logged out everywhere: {len(users)}.", messages.SUCCESS)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's fields, and `sub` where there is a user already."""
        fieldsets = super().get_fieldsets(request, obj)
        return [*fieldsets, ("Tokens", {"fields": ["sub"]})] if obj else fieldsets
