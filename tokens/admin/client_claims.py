"""Checkboxes for a client's nullable switches about claims."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from tokens.models import Client


# By default, Django shows a nullable column as a choice of yes, no and unknown.
class OnUnlessCleared(forms.BooleanField):
    """A checkbox for a nullable boolean column whose value None means on."""

    def prepare_value(self, value: Any) -> Any:
        """Return True if the column is None, else the column's value."""
        return value is not False

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return True if the checkbox differs from the value in the database."""
        return super().has_changed(initial is not False, data)


class ClaimSwitches(forms.Form):
    """Base class of the client's form, with the checkboxes for claims."""

    userinfo_by_api_tokens = OnUnlessCleared(
        required=False,
        label=gettext_lazy("Userinfo by API tokens"),
        help_text=Client._meta.get_field("userinfo_by_api_tokens").help_text,
    )
    claims_in_id_token = forms.BooleanField(
        required=False,
        label=gettext_lazy("User's claims in the ID token"),
        help_text=Client._meta.get_field("claims_in_id_token").help_text,
    )
