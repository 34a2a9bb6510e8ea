"""A client's secrets in the admin: when each was created, was last used and expires. Never the secret itself."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from tokens.keys import store
from tokens.models import ClientSecret
from tokens.page_text import translated
from tokens.registration import secret_rotation
from tokens.registration.secret_rotation import SecretEnded

EXPIRES = gettext_lazy("Expires at")
REVOKE = gettext_lazy("Revoke now")


class SecretForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """Form that revokes a client secret now, or sets its expiry date."""

    revoke_now = forms.BooleanField(required=False, label=REVOKE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("expires_at", EXPIRES), ("revoke_now", REVOKE)):
            _name(self.fields[name], label, self.instance)
        if not self.instance.is_live(now=store.database_now()):
            self.fields["revoke_now"].widget.attrs["disabled"] = True

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data, with an error at each changed field that `client_secret` would refuse."""
        data, now = super().clean() or {}, store.database_now()
        # Only changed fields: an expired secret must not make its client's page impossible to save.
        for name in self.changed_data:
            try:
                secret_rotation.refuse_ended(self.instance, now=now)
                secret_rotation.refuse_past(data.get("expires_at") if name == "expires_at" else None, now=now)
            except SecretEnded as error:
                self.add_error(name, translated(error))
        return data


class SecretInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The secrets of a client."""

    model = ClientSecret
    form = SecretForm
    extra = 0
    can_delete = False
    fields = ["hint", "created_at", "last_used_on", "encryption_key_id", "expires_at", "revoked_at", "revoke_now"]
    readonly_fields = ["hint", "created_at", "last_used_on", "encryption_key_id", "revoked_at"]
    verbose_name_plural = gettext_lazy("secrets (to end a secret, revoke it now or set a future expiry date)")

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False: the checkbox `new_secret` creates a secret."""
        return False


def _name(field: forms.Field, label: object, secret: ClientSecret) -> None:
    """Give the inputs of a field an accessible name: a table of rows has no label for each."""
    widgets = getattr(field.widget, "widgets", [field.widget])
    parts = [gettext("date"), gettext("time")] if len(widgets) > 1 else [""]
    for widget, part in zip(widgets, parts, strict=False):
        widget.attrs["aria-label"] = " ".join(filter(None, [str(label), part, f"…{secret.hint}"]))


def end(secret: ClientSecret, changed: Collection[str], *, actor: str, now: datetime) -> None:
    """Apply the changed fields of a secret's form, each with its audit event. Raises SecretEnded if it had ended."""
    if "expires_at" in changed:
        secret_rotation.expire(secret, secret.expires_at, actor=actor, now=now)
    if "revoke_now" in changed:
        secret_rotation.revoke(secret, actor=actor, now=now)
