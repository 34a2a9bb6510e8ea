"""Users in the admin.

- Only superusers can change a user who has access to the admin, or give permissions.
- A new password logs the user out everywhere.
- An administrator can verify an e-mail address, and log users out everywhere.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from tokens import email_proof
from tokens.account import email_address
from tokens.admin import events, permission_choice
from tokens.admin.events import Audited, may_change_user
from tokens.admin.long_list import PrefixSearch
from tokens.admin.token_link import TokenFields
from tokens.email_proof import CannotVerify
from tokens.keys import store
from tokens.models import User
from tokens.page_text import translated
from tokens.revoking import access, everywhere


@admin.register(User)
class UserAdmin(TokenFields, PrefixSearch, Audited, DjangoUserAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """Django's admin page of a user, with the `sub` that identifies the user in tokens."""

    noun = "user"
    in_registry = False  # an action on many users takes long
    privileges = ("is_staff", "is_superuser", "groups", "user_permissions")
    list_display = ["username", "email", "sub", "is_active", "is_staff", "last_login"]
    sortable_by = ("username",)
    token_fields = {"sub": "sub"}
    prefixes = ("username__istartswith", "email__istartswith", "first_name__istartswith", "last_name__istartswith")
    uuids = ("sub",)
    search_fields = prefixes
    search_help_text = gettext_lazy("The beginning of a username, e-mail address or name, or a sub.")
    readonly_fields = ["sub", "last_login", "date_joined"]
    actions = ["log_out_everywhere"]
    change_form_template = "admin/tokens/user/change_form.html"

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **options: Any) -> Any:
        """Return the form field, with translated choices if it is the field `user_permissions`."""
        field = super().formfield_for_manytomany(db_field, request, **options)
        return permission_choice.choice(field) if db_field.name == "user_permissions" else field

    def get_urls(self) -> list[URLPattern]:
        """Return Django's URLs of a user, and the URL of the page that verifies the e-mail address."""
        view = self.admin_site.admin_view(self.verify_email)
        return [path("<int:pk>/verify-email/", view, name="tokens_user_verify_email"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the user's page, with a note if the e-mail address is not verified."""
        user = self.get_object(request, object_id)
        unverified = user is not None and user.email and not email_proof.is_verified(user)
        note = {"unverified": user.email, "may_verify": self._may_verify(request, user)} if user and unverified else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | note)

    def verify_email(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the consequences of verifying the user's e-mail address, or verify it if the form is confirmed.

        Redirects to the user's page after that, or if there is nothing to verify. Raises PermissionDenied if the
        administrator may not verify addresses of this user.
        """
        return self._bounded(self._verify_or_ask, request, pk)

    def _verify_or_ask(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = get_object_or_404(User, pk=pk)
        if not self._may_verify(request, user):
            raise PermissionDenied
        if request.method == "POST":
            self._verify_email(request, user)
        elif user.email and not email_proof.is_verified(user):
            context = self.admin_site.each_context(request) | {
                "subject": user,
                "title": gettext("Verify an e-mail address"),
            }
            return TemplateResponse(request, "admin/tokens/user/verify_email.html", context)
        return HttpResponseRedirect(reverse("admin:tokens_user_change", args=[pk]))

    def _verify_email(self, request: HttpRequest, user: User) -> None:
        address = request.POST.get("email", "")
        try:
            email_address.verify(user, address, actor=events.actor(request), now=store.database_now())
        except CannotVerify as error:
            self.message_user(request, translated(error), messages.ERROR)
            return
        self.message_user(request, gettext("%(address)s is verified.") % {"address": address}, messages.SUCCESS)

    def _may_verify(self, request: HttpRequest, user: User) -> bool:
        """Return True if the administrator may change this user, and may add and change e-mail addresses."""
        addresses = request.user.has_perms(["account.add_emailaddress", "account.change_emailaddress"])
        return addresses and self.has_change_permission(request, user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields. These include the permissions unless the administrator is a superuser."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else [*fields, *self.privileges]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may change the user and set the user's password (see `may_change_user`)."""
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may delete the user (see `may_change_user`)."""
        return super().has_delete_permission(request, obj) and _may_change(request, obj)

    def creation_details(self, form: Any) -> dict[str, Any]:
        """Return the `sub` of the new user, for the audit event of the creation."""
        return {"sub": str(form.instance.sub)}

    def deletion_details(self, obj: User) -> dict[str, Any]:
        """Return the user's `sub`, by which tokens and APIs name the user.

        After the deletion, no row contains the `sub`.
        """
        return {"sub": str(obj.sub)}

    @admin.action(description=gettext_lazy("Log the selected users out everywhere"), permissions=["change"])
    def log_out_everywhere(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Revoke the sessions, grants, tokens and consents of each selected user whom the administrator may change."""
        users = [user for user in queryset.order_by("pk") if _may_change(request, user)]
        actor, reason = events.actor(request), "logged out everywhere in the admin"
        access.log_out_users_everywhere(users, reason=reason, actor=actor, now=store.database_now())
        message = gettext("Users logged out everywhere: %(number)s.") % {"number": len(users)}
        self.message_user(request, message, messages.SUCCESS)

    def name(self, obj: User) -> str:
        """Return the user's username."""
        return obj.get_username()

    @method_decorator(sensitive_post_parameters())
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 (Django's name)
        """Serve Django's page that changes a password.

        If the stored password changed, log the user out everywhere and record an audit event.
        """
        return self._bounded(self._change_password, request, id, form_url)

    def _change_password(self, request: HttpRequest, pk: str, form_url: str) -> HttpResponse:
        if request.method != "POST":
            return super().user_change_password(request, pk, form_url)
        before = self.get_object(request, unquote(pk))
        response = super().user_change_password(request, pk, form_url)
        user = self.get_object(request, unquote(pk))
        # Django redirects after a change, and after conflicting form data that changes nothing.
        if before and user and user.password != before.password:
            everywhere.end_sessions_and_tokens(user, "the password was changed or removed in the admin")
            self.record(request, "password_changed", user)
        return response

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return Django's fields, and `sub` unless the user is new."""
        fieldsets = super().get_fieldsets(request, obj)
        return [*fieldsets, (gettext("Tokens"), {"fields": ["sub"]})] if obj else fieldsets


def _may_change(request: HttpRequest, obj: Any) -> bool:
    return obj is None or may_change_user(request, obj)
