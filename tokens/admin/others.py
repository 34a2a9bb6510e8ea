"""What others brought into the admin and tokens rest upon: permissions, and addresses that users proved are theirs."""

from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from tokens.admin.audited import Audited


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

    def name(self, obj: EmailAddress) -> str:
        """By whose it is, and not by the address."""
        return f"{obj.user.get_username()}/{obj.pk}"
