"""Users in the admin."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from tokens.models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """Django's own page, with the subject identifier that tokens name the user by."""

    list_display = ["username", "email", "sub", "is_active", "is_staff", "last_login"]
    search_fields = ["username", "email", "first_name", "last_name", "=sub"]
    readonly_fields = ["sub", "last_login", "date_joined"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's fields, and `sub` where there is a user already."""
        fieldsets = super().get_fieldsets(request, obj)
        return [*fieldsets, ("Tokens", {"fields": ["sub"]})] if obj else fieldsets
