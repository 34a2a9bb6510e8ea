"""A client's secrets in the admin: when each was made, was used and ends, never what it is."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from tokens.keys import store
from tokens.models import ClientSecret
from tokens.registration import secret_rotation
from tokens.registration.secret_rotation import Ended


class SecretForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """When a secret ends: now, or at an instant to come."""

    revoke_now = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.is_live(now=store.database_now()):
            self.fields["revoke_now"].widget.attrs["disabled"] = True

    def clean(self) -> dict[str, Any]:
        """What client_secrets would refuse, at its field; what was not touched is not judged."""
        data, now = super().clean() or {}, store.database_now()
        for name in self.changed_data:
            try:
                secret_rotation.refuse_ended(self.instance, now=now)
                secret_rotation.refuse_past(data.get("expires_at") if name == "expires_at" else None, now=now)
            except Ended as error:
                self.add_error(name, str(error))
        return data


class SecretInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The secrets of a client."""

    model = ClientSecret
    form = SecretForm
    extra = 0
    can_delete = False
    fields = ["hint", "created_at", "last_used_on", "encryption_key_id", "expires_at", "revoked_at", "revoke_now"]
    readonly_fields = ["hint", "created_at", "last_used_on", "encryption_key_id", "revoked_at"]
    verbose_name_plural = "secrets (to end one, revoke it now, or give it a date of expiry to come)"

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """A secret is made with the box above, not by hand."""
        return False


def end(secret: ClientSecret, changed: Collection[str], *, actor: str, now: datetime) -> None:
    """End a secret as its row of the form says, each change with its event; raises Ended for one that had ended."""
    if "expires_at" in changed:
        secret_rotation.expire(secret, secret.expires_at, actor=actor, now=now)
    if "revoke_now" in changed:
        secret_rotation.revoke(secret, actor=actor, now=now)
