"""The form field for a client's public keys in the admin."""

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from tokens.jose import key_text
from tokens.jose.public_keys import UnusableKey
from tokens.page_text import translated


class KeysField(forms.JSONField):
    """A form field for public keys as a JWKS, a JWK or PEM. An empty box means no keys."""

    def to_python(self, value: Any) -> Any:
        """Return the pasted keys as a JWKS, or None for an empty box. Raises ValidationError for unusable keys."""
        if not isinstance(value, str):
            return super().to_python(value)
        try:
            return key_text.read(value) if value.strip() else None
        except UnusableKey as error:
            raise forms.ValidationError(translated(error)) from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return the value to show again if the form has an error: the pasted text, or else the stored keys.

        The stored keys are returned if the pasted text might be a private key.
        """
        # A page that repeats a private key would leave it in browser caches and proxies.
        if not isinstance(data, str) or key_text.may_be_private(data):
            return initial
        return InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        """Return the text that the box shows: the JWKS with each member on its own line, or "" for no keys."""
        # For no keys, Django's JSONField shows "null".
        if value is None or isinstance(value, InvalidJSONInput):
            return value or ""
        return json.dumps(value, indent=2)
