"""Audit events for changes in the admin: who changed which row, and each field's value before and after.

- A change and its event are saved in one transaction.
- Secrets are never recorded. Public keys are recorded by their key ids.
- A change waits at most `registry_lock.WAIT` for a lock. If the lock is not available then, the answer is 503.
- Only superusers can change users who have access to the admin.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.forms import ModelChoiceField, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse

from tokens import errors, registry_lock
from tokens.admin.read_only import ReadOnly
from tokens.audit import trail
from tokens.jose import public_keys
from tokens.jose.public_keys import UnusableKey
from tokens.keys import store
from tokens.models import Client
from tokens.page_text import translated
from tokens.registry_lock import RegistryLocked
from tokens.views import failures

KEYS = "client_jwks"
RETRY_AFTER = 5  # seconds
ACTIONS = frozenset({"new_secret"})
"""Form fields that are not stored in the row, but start an action that records its own event."""


class Audited(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """A page that records an audit event in the transaction that creates, changes or deletes a row."""

    noun: str
    """The row's type in the audit trail: the event is `noun.created`, its subject `noun:` and the row's `name`."""
    in_registry = True
    """False if the rows do not belong to the registry, so that a change need not wait for changes of the registry."""

    def name(self, obj: Any) -> str:
        """Return the name by which the audit trail names the row."""
        raise NotImplementedError

    def creation_details(self, _form: Any) -> Mapping[str, Any] | None:
        """Return the details of the audit event for a new row, or None if the event needs no details."""
        return None

    def deletion_details(self, _obj: Any) -> Mapping[str, Any] | None:
        """Return the details of the audit event for a deleted row, or None if the event needs no details."""
        return None

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form of a row, or save the row. Answer 503 if another transaction holds a lock for too long."""
        return self._bounded(super().changeform_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for confirmation, or delete the row. Answer 503 if another transaction holds a lock for too long."""
        return self._bounded(super().delete_view, request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """List the rows, or run an action. Answer 503 if another transaction holds a lock for too long."""
        return self._bounded(super().changelist_view, request, *args, **kwargs)

    def record(self, request: HttpRequest, done: str, obj: Any, details: Mapping[str, Any] | None = None) -> None:
        """Record an audit event for the row, with the administrator as its actor.

        The name of the event is the page's `noun`, a dot and `done`, such as `client.created`.
        """
        record(request, f"{self.noun}.{done}", f"{self.noun}:{self.name(obj)}", details)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save the row, and record that it was created, or which of its fields were changed."""
        super().save_model(request, obj, form, change)
        if not change:
            self.record(request, "created", obj, self.creation_details(form))
        elif details := changes(form):
            self.record(request, "changed", obj, details)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return Django's four values for the page that confirms a deletion, such as the rows that are deleted.

        The third value names the tables from which the administrator may not delete rows. It leaves out tables with a
        read-only admin page.
        """
        to_delete, counts, lacking, protected = super().get_deleted_objects(objs, request)
        # Read-only pages deny deletion, but their rows (grants, codes) must not prevent deleting their user or client.
        pages = self.admin_site._registry.items()  # noqa: SLF001 (Django's documented name)
        read_only = {str(model._meta.verbose_name) for model, page in pages if _is_read_only(page)}
        return to_delete, counts, set(lacking) - read_only, protected

    def _bounded(
        self, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Call the view and return its response. Limit the time for which a POST waits for locks.

        Returns 503 with the reason if another transaction prevented the change.
        """
        if request.method != "POST":
            return view(request, *args, **kwargs)
        try:
            with registry_lock.change() if self.in_registry else registry_lock.bounded_wait():
                return view(request, *args, **kwargs)
        except RegistryLocked as error:
            answer = failures.page(request, 503, f"{(text := translated(error))[0].upper()}{text[1:]}")
            answer.headers["Retry-After"] = str(RETRY_AFTER)
            return errors.because(answer, str(error))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Delete the rows one by one with `delete_model`, which records an audit event for each."""
        for obj in queryset:
            self.delete_model(request, obj)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row, and record an audit event of the deletion."""
        self.record(
            request, "deleted", obj, self.deletion_details(obj)
        )  # before the deletion, while related rows can still name it
        super().delete_model(request, obj)


def _is_read_only(page: object) -> bool:
    return isinstance(page, ReadOnly)


def may_change_user(request: HttpRequest, user: Any) -> bool:
    """Return True if the administrator may change this user.

    Only superusers may change users who have access to the admin.
    """
    return bool(request.user.is_superuser or not (user.is_staff or user.is_superuser))


def actor(request: HttpRequest) -> str:
    """Return the administrator's name in the audit trail, such as `user:ada`."""
    return f"user:{request.user.get_username()}"


def record(request: HttpRequest, action: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
    """Record an audit event with the administrator as its actor."""
    trail.record(action, actor=actor(request), subject=subject, details=details, now=store.database_now())


def changes(form: Any) -> dict[str, list[str]]:
    """Return, for each changed field, its value before and after as text.

    Leaves out fields that are not stored, such as `new_secret`.
    """
    pairs = {name: (_initial(form, name), form.cleaned_data.get(name)) for name in form.changed_data}
    return {
        name: [_text(name, before), _text(name, after)]
        for name, (before, after) in pairs.items()
        if name not in ACTIONS and before != after  # Django reports a field as changed if `clean` filled it in
    }


def _initial(form: Any, name: str) -> Any:
    """Return the field's value before the change.

    If the field refers to a row, return that row, not its primary key.
    """
    value, field = form.initial.get(name), form.fields[name]
    related = isinstance(field, ModelChoiceField) and not isinstance(field, ModelMultipleChoiceField)
    return field.queryset.filter(pk=value).first() if related else value


def _text(name: str, value: Any) -> str:
    if name == KEYS and value is not None:
        return ", ".join(_key_names(value))
    if isinstance(value, Client):
        return value.client_id
    return ", ".join(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, str) else str(value)


def _key_names(jwks: Any) -> list[str]:
    try:
        return public_keys.names(jwks)
    except UnusableKey:  # registered under older rules
        return ["unusable"]
