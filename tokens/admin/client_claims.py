"""Form fields that show a client's nullable boolean columns about claims as checkboxes."""

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
        """Return True if the checkbox differs from the column. A column that is None counts as on."""
        return super().has_changed(initial is not False, data)


class ClaimSwitches(forms.Form):
    """Base class of the client's form. Adds the checkboxes for claims."""

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
