"""Admin pages for tables of Django and django-allauth that affect security: groups, e-mail addresses and factors."""

from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from tokens.admin.events import Audited, may_change_user
from tokens.admin.long_list import LongList


@admin.register(Group)
class GroupAdmin(Audited, DjangoGroupAdmin):
    """Groups of users and their permissions. Only superusers can change them.

    An administrator who could change a group could give its permissions to themselves.
    """

    noun = "group"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return True if the administrator is a superuser."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Return True if the administrator is a superuser."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Return True if the administrator is a superuser."""
        return bool(request.user.is_superuser)

    def name(self, obj: Group) -> str:
        """Return the group's name."""
        return obj.name


@admin.register(EmailAddress)
class EmailAddressAdmin(Audited, AllauthEmailAddressAdmin):
    """E-mail addresses. After verification, users can log in by them, and clients can identify users by them.

    Only superusers can change the addresses of a user with access to the admin: an address is a way to log in.
    """

    noun = "email_address"
    actions: Any = ()  # allauth's actions change many rows and record no event

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may change addresses, and the user of this address."""
        return super().has_change_permission(request, obj) and (obj is None or may_change_user(request, obj.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may delete addresses, and may change the user of this address."""
        return super().has_delete_permission(request, obj) and (obj is None or may_change_user(request, obj.user))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save the address. Raises PermissionDenied if the administrator may not change the user in the form."""
        # The form names the user: an address could be moved to a superuser, which has_change_permission cannot see.
        if not may_change_user(request, obj.user):
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    def name(self, obj: EmailAddress) -> str:
        """Return the user's name and the row's number: the audit trail does not keep the address."""
        return f"{obj.user.get_username()}/{obj.pk}"


@admin.register(Authenticator)
class AuthenticatorAdmin(LongList, Audited):
    """Second factors: who has which, and their removal for a user who lost them.

    No page shows or changes a secret or a key: an administrator who could add a passkey could log in as its user. Only
    superusers can remove the factors of a user with access to the admin.
    """

    noun = "factor"
    in_registry = False
    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    list_filter = ("type",)
    search_fields = ("=user__username",)
    search_help_text = gettext_lazy("A username.")
    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")

    def lookup_allowed(self, lookup: str, _value: str, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's name)
        """Return True if the lookup belongs to the filter: others would reveal what `data` contains."""
        return lookup in {"type", "type__exact"}

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Return False: a user sets up the own factors."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False: a user sets up the own factors."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may delete factors, and may change the user of this one."""
        return super().has_delete_permission(request, obj) and (obj is None or may_change_user(request, obj.user))

    def name(self, obj: Authenticator) -> str:
        """Return the user's name and the type of the factor."""
        return f"{obj.user.get_username()}/{obj.type}"
