"""The switches of a client's form for claims about users, which the admin would show as three choices each."""

from typing import Any

from django import forms

from tokens.models import Client


class OnUnlessCleared(forms.BooleanField):
    """A box for a nullable column in which None means on."""

    def prepare_value(self, value: Any) -> Any:
        """Return True for None."""
        return value is not False

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return True if the box differs from the column."""
        return super().has_changed(initial is not False, data)


class ClaimSwitches(forms.Form):
    """The fields; the form of a client includes them."""

    userinfo_by_api_tokens = OnUnlessCleared(
        required=False, help_text=Client._meta.get_field("userinfo_by_api_tokens").help_text
    )
    claims_in_id_token = forms.BooleanField(
        required=False,
        label="User's claims in the ID token",
        help_text=Client._meta.get_field("claims_in_id_token").help_text,
    )
