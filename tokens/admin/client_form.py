"""The form of a client in the admin: what is fitted together, and what is refused, at its field."""

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from tokens.grants.table import GRANT_TYPES
from tokens.jose import key_text
from tokens.jose.public_keys import UnusableKey
from tokens.models import AuthenticationMethod, Client, GrantType

ADDRESSES = ("redirect_uris", "post_logout_redirect_uris", "allowed_origins")
REACHABLE = set(GRANT_TYPES)


class KeysField(forms.JSONField):
    """Public keys in any form that people have them in, or nothing: an empty box, and not the word null."""

    def to_python(self, value: Any) -> Any:
        """The JWKS that was pasted, or made of it; raises ValidationError."""
        if not isinstance(value, str):
            return super().to_python(value)
        try:
            return key_text.read(value) if value.strip() else None
        except UnusableKey as error:
            raise forms.ValidationError(str(error)) from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, unless it may be a private key: no page holds that, and the box shows what was in it."""
        if not isinstance(data, str) or key_text.may_be_private(data):
            return initial
        return InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        """What the box shows: one member a line."""
        if value is None or isinstance(value, InvalidJSONInput):
            return value or ""
        return json.dumps(value, indent=2)


class ClientForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """A client's own page."""

    name = forms.CharField(max_length=255, help_text="What users read on the consent page.")
    grants = forms.MultipleChoiceField(
        choices=[(grant.value, grant.label) for grant in GrantType if grant.value in REACHABLE],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "radiolist"}),  # the admin's class for a list of choices
        required=False,
        help_text="None for a client that only introspects or revokes.",
    )
    new_secret = forms.BooleanField(
        required=False,
        label="Make a further secret",
        help_text="It is shown once, on the page after saving. The others stay valid until you end them.",
    )

    token_endpoint_auth_method = forms.ChoiceField(
        choices=[
            ("", "By its keys, else by a secret; nothing for a public client"),
            *AuthenticationMethod.choices,
        ],
        required=False,
        label="Authentication",
        help_text="A secret is accepted in the header and in the body, whichever is chosen here, unless the next box"
        " is ticked.",
    )

    # The model's own is nullable, for which the admin would offer three answers.
    pins_authentication_method = forms.BooleanField(
        required=False,
        label="Only the chosen authentication",
        help_text=Client._meta.get_field("pins_authentication_method").help_text,
    )

    client_jwks = KeysField(
        required=False,
        label="Public keys",
        widget=forms.Textarea(attrs={"rows": 10, "class": "vLargeTextField", "spellcheck": "false"}),  # a PEM's width
        help_text="A JWKS, a JWK or a PEM public key (private_key_jwt). Never a private one.",
    )
    client_jwks_uri = forms.URLField(
        required=False,
        assume_scheme="https",
        label="Address of public keys",
        help_text="Or where the client publishes them: an https address, fetched when needed.",
    )

    class Meta:
        model = Client
        fields = ["name", "client_id", "client_type", "is_active", "grants", "scopes", "redirect_uris"]
        help_texts = {
            "remembers_consent": "A user who agreed once is not asked for the same scopes again, where the answer goes"
            " to an https address: anything else, any program on a device can take."
        }
        widgets = dict.fromkeys(ADDRESSES, forms.Textarea(attrs={"rows": 3}))

    def clean(self) -> dict[str, Any]:
        """Fit how the client proves who it is to its type, where the two contradict each other."""
        data = super().clean() or {}
        public = data.get("client_type") == Client.CLIENT_PUBLIC
        if public and data.get("new_secret"):
            self.add_error("new_secret", "A public client cannot keep a secret.")
        has_keys = bool(data.get("client_jwks") or data.get("client_jwks_uri"))
        by_what_it_has = AuthenticationMethod.PRIVATE_KEY_JWT if has_keys and self.instance.pk is None else None
        chosen = data.get("token_endpoint_auth_method")
        method = chosen or by_what_it_has or self.instance.token_endpoint_auth_method
        if public != (method == AuthenticationMethod.NONE):
            method = AuthenticationMethod.NONE if public else AuthenticationMethod.SECRET_BASIC
        if method != AuthenticationMethod.PRIVATE_KEY_JWT:
            for field in {"client_jwks", "client_jwks_uri"} & set(self.changed_data):
                if data.get(field):
                    self.add_error(field, f"Keys are of no use to {method}: choose private_key_jwt, or leave them out.")
        data["token_endpoint_auth_method"] = method
        if method == AuthenticationMethod.PRIVATE_KEY_JWT and data.get("new_secret"):
            self.add_error("new_secret", "This client proves itself with its own key, and has no use for a secret.")
        return data
