"""The form of a client in the admin.

- Public keys can be pasted as PEM, JWK or JWKS (`keys_field`). A private key is refused and not shown again.
- If the administrator chooses no authentication method, the method follows from the client's type and keys.
- If two fields contradict each other, the error is shown at the field that causes the contradiction.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext, gettext_lazy

from tokens.admin.client_claims import ClaimSwitches
from tokens.admin.client_rights import refusals
from tokens.admin.keys_field import KeysField
from tokens.admin.scope_choice import ScopeField
from tokens.grants.table import GRANT_TYPES
from tokens.keys.rules import id_ring
from tokens.models import AuthenticationMethod, Client, GrantType, PkceRule, SecurityProfile
from tokens.models.client_choices import LOWERED
from tokens.page_text import translated
from tokens.registration import secret_rotation
from tokens.registration.client import authentication_method
from tokens.registration.delegation import Rights

ADDRESSES = ("redirect_uris", "post_logout_redirect_uris", "allowed_origins")
REACHABLE = set(GRANT_TYPES)


class ClientForm(ClaimSwitches, forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """The form of a client."""

    user: ClassVar[Any] = AnonymousUser()
    """The administrator whose permissions the form checks. `ClientAdmin.get_form` sets the administrator."""
    name = forms.CharField(
        max_length=255, label=gettext_lazy("Name"), help_text=gettext_lazy("Shown to users on the consent page.")
    )
    grants = forms.MultipleChoiceField(
        label=gettext_lazy("Grant types"),
        choices=[(grant.value, grant.label) for grant in GrantType if grant.value in REACHABLE],
        widget=forms.CheckboxSelectMultiple(
            attrs={"class": "radiolist"}
        ),  # the admin's CSS class for a list of choices
        required=False,
        help_text=gettext_lazy("Choose none for a client that only introspects or revokes tokens."),
    )
    scopes = ScopeField(
        required=False,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy("What the client may request at APIs, and no more."),
    )
    new_secret = forms.BooleanField(
        required=False,
        label=gettext_lazy("Create a new secret"),
        help_text=gettext_lazy(
            "Shown once, on the page after saving. The other secrets stay valid until you end them."
        ),
    )

    token_endpoint_auth_method = forms.ChoiceField(
        choices=[
            ("", gettext_lazy("Automatic: by its keys, if any, or by a secret; none for a public client")),
            *AuthenticationMethod.choices,
        ],
        required=False,
        label=gettext_lazy("Authentication"),
        help_text=gettext_lazy(
            "A secret is accepted both in the header and in the body, unless the next box is ticked."
        ),
    )

    # The model's field is nullable, for which the admin would offer three choices.
    pins_authentication_method = forms.BooleanField(
        required=False,
        label=gettext_lazy("Accept only the chosen method"),
        help_text=Client._meta.get_field("pins_authentication_method").help_text,
    )

    # The default rule is stored as an empty column, so the model's choices lack it.
    pkce = forms.TypedChoiceField(
        choices=[("", PkceRule.REQUIRED.label), *((rule.value, rule.label) for rule in LOWERED)],
        required=False,
        empty_value=None,
        label=gettext_lazy("PKCE"),
        help_text=Client._meta.get_field("pkce").help_text,
    )
    allows_any_localhost_port = forms.BooleanField(
        required=False,
        label=gettext_lazy("Any port on localhost"),
        help_text=Client._meta.get_field("allows_any_localhost_port").help_text,
    )

    backchannel_logout_session_required = forms.BooleanField(
        required=False,
        label=gettext_lazy("Logout by session only"),
        help_text=Client._meta.get_field("backchannel_logout_session_required").help_text,
    )
    require_pushed_authorization_requests = forms.BooleanField(
        required=False,
        label=gettext_lazy("Pushed requests only"),
        help_text=Client._meta.get_field("require_pushed_authorization_requests").help_text,
    )
    require_signed_request_object = forms.BooleanField(
        required=False,
        label=gettext_lazy("Signed requests only"),
        help_text=Client._meta.get_field("require_signed_request_object").help_text,
    )
    security_profile = forms.TypedChoiceField(
        choices=[("", gettext_lazy("None")), *SecurityProfile.choices],
        required=False,
        empty_value=None,
        label=gettext_lazy("Security profile"),
        help_text=Client._meta.get_field("security_profile").help_text,
    )
    # The model's field is nullable, and an empty text would be a value of its own.
    id_token_signed_response_alg = forms.TypedChoiceField(
        choices=[("", gettext_lazy("That of the default ring")), *((name, name) for name in id_ring.ALGORITHMS)],
        required=False,
        empty_value=None,
        label=gettext_lazy("Algorithm of ID tokens"),
        help_text=Client._meta.get_field("id_token_signed_response_alg").help_text,
    )
    dpop_bound_access_tokens = forms.BooleanField(
        required=False,
        label=gettext_lazy("Requires DPoP"),
        help_text=Client._meta.get_field("dpop_bound_access_tokens").help_text,
    )

    client_jwks = KeysField(
        required=False,
        label=gettext_lazy("Public keys"),
        widget=forms.Textarea(attrs={"rows": 10, "class": "vLargeTextField", "spellcheck": "false"}),  # a PEM's width
        help_text=gettext_lazy("A JWKS, a JWK or a PEM public key (private_key_jwt). Never paste a private key."),
    )
    client_jwks_uri = forms.URLField(
        required=False,
        assume_scheme="https",
        label=gettext_lazy("URL of public keys"),
        help_text=gettext_lazy(
            "Alternatively, the https URL where the client publishes its keys. Fetched when needed."
        ),
    )

    class Meta:
        model = Client
        fields = ["name", "client_id", "client_type", "is_active", "grants", "scopes", "redirect_uris"]
        help_texts = {
            "remembers_consent": gettext_lazy(
                "A user who agreed once is not asked for the same scopes again if the redirect URI is"
                " https. For any other redirect URI the user is always asked, because another program on the device can"
                " claim it."
            )
        }
        widgets = {
            **dict.fromkeys(ADDRESSES, forms.Textarea(attrs={"rows": 3})),
            "apis": forms.CheckboxSelectMultiple(attrs={"class": "radiolist"}),
        }

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data with the authentication method filled in.

        1. Find the method (`authentication_method`) from the chosen or else the stored method, the type, and the keys.
        2. Refuse new keys, and a new secret, if the method does not use them.
        3. Refuse special rights that the administrator may not give.
        """
        data = super().clean() or {}
        public = data.get("client_type") == Client.CLIENT_PUBLIC
        has_keys = bool(data.get("client_jwks") or data.get("client_jwks_uri"))
        stored = None if self.instance.pk is None else self.instance.token_endpoint_auth_method
        current = data.get("token_endpoint_auth_method") or stored
        method = authentication_method(current, is_public=public, has_keys=has_keys)
        if method != AuthenticationMethod.PRIVATE_KEY_JWT:
            self._refuse_new_keys(data, method)
        data["token_endpoint_auth_method"] = method
        for field, message in refusals(self._rights(data), self.user.has_perm):
            self.add_error(field if field in self.fields else None, message)
        if data.get("new_secret") and (reason := secret_rotation.refusal_of(method, is_public=public)):
            self.add_error("new_secret", translated(reason))
        return data

    def _refuse_new_keys(self, data: dict[str, Any], method: AuthenticationMethod) -> None:
        """Add an error to each changed field that contains keys. `method` is a method that does not use keys."""
        text = gettext("%(method)s does not use keys. Choose private_key_jwt, or remove the keys.")
        # Only changed fields: a client with stored keys can be switched to a secret without clearing them.
        for field in {"client_jwks", "client_jwks_uri"} & set(self.changed_data):
            if data.get(field):
                self.add_error(field, text % {"method": method.value})

    def _rights(self, data: dict[str, Any]) -> Rights:
        """Return the special rights that the client has after the form is saved.

        Reads a property from the form, or from the stored client if the form does not have the property.
        """
        addresses = [data.get(name, getattr(self.instance, name)) for name in ADDRESSES[:2]]
        return Rights(
            skips_consent=bool(data.get("skip_authorization", self.instance.skip_authorization)),
            grants=data.get("grants", self.instance.grants),
            redirect_uris=" ".join(addresses).split(),
        )
