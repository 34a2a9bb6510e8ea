"""A client's secrets in the admin: when each was made, was used and ends, never what it is."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from tokens.models import ClientSecret


class SecretForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """When a secret ends."""

    def clean(self) -> dict[str, Any]:
        """A secret that has ended stays so: neither its revocation nor its expiry can be moved."""
        data = super().clean() or {}
        if self.instance.is_live(now=timezone.now()):
            return data
        reason = "A revoked secret stays revoked." if self.instance.revoked_at else "An expired secret stays expired."
        for name in self.changed_data:
            self.add_error(name, f"{reason} Make a further one instead.")
        return data


class SecretInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The secrets of a client."""

    model = ClientSecret
    form = SecretForm
    extra = 0
    can_delete = False
    fields = ["hint", "created_at", "last_used_on", "encryption_key_id", "expires_at", "revoked_at"]
    readonly_fields = ["hint", "created_at", "last_used_on", "encryption_key_id"]
    verbose_name_plural = "secrets (to end one, give it a date of expiry or revocation)"

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """A secret is made with the box above, not by hand."""
        return False
