"""A client's secrets in the admin: the dates of creation, last use and expiry. No page shows a stored secret."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from tokens.admin.input_names import name_inputs
from tokens.keys import store
from tokens.models import ClientSecret
from tokens.page_text import translated
from tokens.registration import secret_rotation
from tokens.registration.secret_rotation import SecretEnded

EXPIRES = gettext_lazy("Expires at")
REVOKE = gettext_lazy("Revoke now")


class SecretForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """The form that revokes a client secret or sets its expiry date."""

    revoke_now = forms.BooleanField(required=False, label=REVOKE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("expires_at", EXPIRES), ("revoke_now", REVOKE)):
            name_inputs(self.fields[name], f"{label} …{self.instance.hint}")
        if not self.instance.is_live(now=store.database_now()):
            self.fields["revoke_now"].widget.attrs["disabled"] = True

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data. Adds an error if the secret has ended, or if the new expiry date is in the past."""
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
    """The inline table with the secrets of a client."""

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


def end(secret: ClientSecret, changed: Collection[str], *, actor: str, now: datetime) -> None:
    """Set the expiry date of the secret, revoke the secret, or do both. Records an audit event for each change.

    `changed` has the names of the form fields that the administrator changed: `expires_at`, `revoke_now` or both.
    Raises SecretEnded if the secret has already ended, or if the new expiry date has passed.
    """
    if "expires_at" in changed:
        secret_rotation.expire(secret, secret.expires_at, actor=actor, now=now)
    if "revoke_now" in changed:
        secret_rotation.revoke(secret, actor=actor, now=now)
