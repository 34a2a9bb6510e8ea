"""What others brought into the admin and tokens rest upon: permissions, and addresses that users proved are theirs."""

from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tokens.admin.events import Audited, may_touch


@admin.register(Group)
class GroupAdmin(Audited, DjangoGroupAdmin):
    """Who may do what, by groups of users: superusers say it, or whoever changes groups could give themselves all."""

    noun = "group"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers only."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Superusers only."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Superusers only."""
        return bool(request.user.is_superuser)

    def name(self, obj: Group) -> str:
        """By its own name."""
        return obj.name


@admin.register(EmailAddress)
class EmailAddressAdmin(Audited, AllauthEmailAddressAdmin):
    """Addresses by which users log in, and applications may name them, once they are verified."""

    noun = "email_address"
    actions: Any = ()  # one changes many rows, and says nothing

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those of whoever uses the admin are the superusers' to change."""
        return super().has_change_permission(request, obj) and (obj is None or may_touch(request, obj.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """And to delete."""
        return super().has_delete_permission(request, obj) and (obj is None or may_touch(request, obj.user))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """And to give; raises PermissionDenied."""
        if not may_touch(request, obj.user):
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    def name(self, obj: EmailAddress) -> str:
        """By whose it is, and not by the address."""
        return f"{obj.user.get_username()}/{obj.pk}"
