"""What is done in the admin becomes events of the audit trail: who did what to what, and what it was before."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.forms import ModelChoiceField, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens import errors, registry_lock
from tokens.admin.read_only import ReadOnly
from tokens.audit import trail
from tokens.jose import public_keys
from tokens.jose.public_keys import UnusableKey
from tokens.models import Client
from tokens.registry_lock import RegistryLocked
from tokens.views import failures

KEYS = "client_jwks"
RETRY_AFTER = 5  # seconds
UNTOLD = frozenset({"new_secret"})
"""What a form asks for that is no property of what it changes; it has an event of its own."""


class Audited(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """A page whose rows are made, changed and deleted with an event each, in one transaction with it."""

    noun: str
    """What its rows are called in the trail: the event is `noun.created`, the subject `noun:` and `name` of the row."""

    def name(self, obj: Any) -> str:
        """By what the trail names a row."""
        raise NotImplementedError

    def made(self, _form: Any) -> Mapping[str, Any] | None:
        """What is told of a row that was made, beside its name."""
        return None

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form, or save it. Waits for locks are bounded."""
        return bounded(super().changeform_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for confirmation, or delete. Waits for locks are bounded."""
        return bounded(super().delete_view, request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """List the rows, or run an action. Waits for locks are bounded."""
        return bounded(super().changelist_view, request, *args, **kwargs)

    def record(self, request: HttpRequest, done: str, obj: Any, details: Mapping[str, Any] | None = None) -> None:
        """Keep that whoever is logged in has done this to the row."""
        record(request, f"{self.noun}.{done}", f"{self.noun}:{self.name(obj)}", details)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save, and tell a row that was made, or which fields of one were changed and how."""
        super().save_model(request, obj, form, change)
        if not change:
            self.record(request, "created", obj, self.made(form))
        elif details := changes(form):
            self.record(request, "changed", obj, details)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes with a row goes with it, although by itself it is only to be looked at: its grants and codes."""
        found, counts, lacking, protected = super().get_deleted_objects(objs, request)
        shown = {str(model._meta.verbose_name) for model, page in self.admin_site._registry.items() if _is_shown(page)}  # noqa: SLF001 (Django's documented names)
        return found, counts, set(lacking) - shown, protected

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Each one as if deleted alone."""
        for obj in queryset:
            self.delete_model(request, obj)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete, and tell what is gone."""
        self.record(request, "deleted", obj)
        super().delete_model(request, obj)


def bounded(view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Return the view's answer, or 503 with the reason if another transaction held a lock for too long."""
    if request.method != "POST":
        return view(request, *args, **kwargs)
    try:
        with registry_lock.change():
            return view(request, *args, **kwargs)
    except RegistryLocked as error:
        answer = failures.page(503, f"{str(error)[0].upper()}{str(error)[1:]}")
        answer.headers["Retry-After"] = str(RETRY_AFTER)
        return errors.because(answer, str(error))


def _is_shown(page: object) -> bool:
    return isinstance(page, ReadOnly)


def may_touch(request: HttpRequest, user: Any) -> bool:
    """Whether whoever is logged in may change this user: those who use the admin are the superusers' to change."""
    return bool(request.user.is_superuser or not (user.is_staff or user.is_superuser))


def record(request: HttpRequest, action: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
    """Keep an event of the admin's."""
    actor = f"user:{request.user.get_username()}"
    trail.record(action, actor=actor, subject=subject, details=details, now=timezone.now())


def changes(form: Any) -> dict[str, list[str]]:
    """Each field that was changed, as it was and as it is; never a secret, and public keys by their names."""
    pairs = {name: (_initial(form, name), form.cleaned_data.get(name)) for name in form.changed_data}
    return {
        name: [_told(name, before), _told(name, after)]
        for name, (before, after) in pairs.items()
        if name not in UNTOLD and before != after  # a form may take what it fitted itself for a change
    }


def _initial(form: Any, name: str) -> Any:
    """What the field was: a form keeps a related row by its number only."""
    value, field = form.initial.get(name), form.fields[name]
    related = isinstance(field, ModelChoiceField) and not isinstance(field, ModelMultipleChoiceField)
    return field.queryset.filter(pk=value).first() if related else value


def _told(name: str, value: Any) -> str:
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
