"""Admin pages for tables of Django and django-allauth that affect security: groups, e-mail addresses, factors."""

from collections.abc import Iterable
from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from tokens.admin import permission_choice
from tokens.admin.events import Audited, may_change_user
from tokens.admin.long_list import LIMIT, LongList, PrefixSearch, any_of
from tokens.admin.search import uuid
from tokens.models import User, translation


@admin.register(Group)
class GroupAdmin(Audited, DjangoGroupAdmin):
    """The admin page of groups of users and their permissions. Only superusers can change a group.

    Administrators who could change a group that they belong to could give themselves every permission.
    """

    noun = "group"

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **options: Any) -> Any:
        """Return the form field, with translated choices if it is the field `permissions`."""
        field = super().formfield_for_manytomany(db_field, request, **options)
        return permission_choice.choice(field) if db_field.name == "permissions" else field

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

    def creation_details(self, form: Any) -> dict[str, Any]:
        """Return the permissions of the new group, by app and codename."""
        chosen = form.cleaned_data["permissions"]
        return {
            "permissions": sorted(f"{permission.content_type.app_label}.{permission.codename}" for permission in chosen)
        }


@admin.register(EmailAddress)
class EmailAddressAdmin(PrefixSearch, Audited, AllauthEmailAddressAdmin):
    """The admin page of e-mail addresses. A verified address is a way to log in, and clients can identify users by it.

    So only superusers can change the addresses of a user who has access to the admin.
    """

    noun = "email_address"
    actions: Any = ()  # allauth's actions change many rows and record no event
    prefixes = ("email__istartswith",)
    search_help_text = gettext_lazy("The beginning of an e-mail address, or the username or sub of its user.")

    def conditions(self, word: str) -> Iterable[Q]:
        """Yield alternative conditions: the address begins with `word`, or `word` is the user's username or `sub`."""
        yield from super().conditions(word)
        value = uuid(word)
        user = any_of([Q(username__iexact=word), *([Q(sub=value)] if value else [])])
        # Read first: PostgreSQL uses no index for a condition on one table OR another.
        yield Q(user__in=list(User.objects.filter(user).values_list("pk", flat=True)[:LIMIT]))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may change addresses, and may change the user who owns this address."""
        return super().has_change_permission(request, obj) and (obj is None or may_change_user(request, obj.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may delete addresses, and may change the user who owns this address."""
        return super().has_delete_permission(request, obj) and (obj is None or may_change_user(request, obj.user))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save the address. Raises PermissionDenied if the administrator may not change the user in the form."""
        # The form names the user: an address could be moved to a superuser, which has_change_permission cannot see.
        if not may_change_user(request, obj.user):
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    def name(self, obj: EmailAddress) -> str:
        """Return the username and the row's primary key."""
        # Not the address: the audit trail keeps no e-mail addresses.
        return f"{obj.user.get_username()}/{obj.pk}"

    def creation_details(self, form: Any) -> dict[str, Any]:
        """Return the user's `sub`, and the switches `verified` and `primary` of the new address."""
        address = form.instance
        return {"sub": str(address.user.sub), "verified": address.verified, "primary": address.primary}


translation.mark_texts(Authenticator)  # django-allauth gives its table no names


@admin.register(Authenticator)
class AuthenticatorAdmin(LongList, Audited):
    """The admin page of second factors and passkeys.

    An administrator can delete a factor, for example if the user lost the device. Only superusers can delete a factor
    of a user with access to the admin. Secrets and keys are not shown.
    """

    noun = "factor"
    in_registry = False
    list_display = fields = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)

    def lookup_allowed(self, lookup: str, _value: str, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's name)
        """Return True if the lookup belongs to the filter of the list."""
        # By other lookups, an administrator could guess the content of `data` character by character.
        return lookup in {"type", "type__exact"}

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Return False. Users set up their factors themselves."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False: no administrator may change a factor."""
        # An administrator who moves a factor of their own to another user could log in as that user.
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may delete factors, and may change the user who owns this factor."""
        return super().has_delete_permission(request, obj) and (obj is None or may_change_user(request, obj.user))

    def name(self, obj: Authenticator) -> str:
        """Return the username and the row's primary key."""
        return f"{obj.user.get_username()}/{obj.pk}"

    def deletion_details(self, obj: Authenticator) -> dict[str, Any]:
        """Return the type of the factor, and the user's `sub`."""
        return {"type": obj.type, "sub": str(obj.user.sub)}
