"""OAuth clients: what they may do, and how they authenticate."""

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy
from oauth2_provider.models import AbstractApplication

from tokens.conf import issuer
from tokens.database_errors import unless_down
from tokens.models import client_problems, fapi2, lifetimes
from tokens.models.api import Api
from tokens.models.authentication_settings import AuthenticationSettings
from tokens.models.client_choices import (
    LOWERED,
    SECRET_METHODS,
    AuthenticationMethod,
    PkceRule,
    Registrar,
    SecurityProfile,
)
from tokens.models.client_claims import ClaimSettings
from tokens.models.login_switches import LoginSwitches
from tokens.models.logout_settings import LogoutSettings
from tokens.models.scope import Scope
from tokens.models.token_settings import TokenSettings


def new_client_id() -> str:
    """Return a random client identifier of 128 bits, 22 characters."""
    # A command would parse a leading dash as an option.
    while (client_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return client_id


class Client(AuthenticationSettings, TokenSettings, LoginSwitches, LogoutSettings, ClaimSettings, AbstractApplication):
    """An OAuth client. Its secrets are rows of ClientSecret, and the inherited `client_secret` stays empty."""

    client_id = models.CharField(
        "client ID",
        max_length=255,
        unique=True,
        default=new_client_id,
        validators=[RegexValidator(r"\A[A-Za-z0-9._~-]+\Z", gettext_lazy("Use letters, digits and . _ ~ - only."))],
    )
    client_type = models.CharField(
        max_length=32, choices=AbstractApplication.CLIENT_TYPES, default=AbstractApplication.CLIENT_CONFIDENTIAL
    )
    tokens_from: int = 0
    """The Unix second before which the client's tokens are revoked. Not a column: set by tokens/clients/registry.py."""
    targets: dict[tuple[tuple[str, ...], tuple[str, ...]], Any] | None = None
    """The target for each combination of requested scopes and resources. Not a column.

    None unless the client was read from the cache of the registry (tokens/clients/registry.py).
    """
    is_active = models.BooleanField("active", default=True, help_text="An inactive client cannot get tokens.")
    last_used_on = models.DateField("last used", null=True, blank=True, editable=False)
    # Nullable, so that SQLite adds the column without rebuilding the table.
    registered_by = models.CharField(  # noqa: DJ001 (see above)
        max_length=8,
        choices=Registrar,
        null=True,
        blank=True,
        editable=False,
        help_text="How the client registered itself. Empty: an operator registered the client.",
    )
    recipe = models.CharField(  # noqa: DJ001 (see above)
        max_length=60,
        null=True,
        blank=True,
        editable=False,
        help_text="The recipe of create_client --for that registered the client.",
    )

    grants = models.JSONField(default=list, blank=True, help_text="The grant types that this client may use.")
    scopes: "models.ManyToManyField[Scope, Any]" = models.ManyToManyField(Scope, blank=True, related_name="clients")
    apis: "models.ManyToManyField[Api, Any]" = models.ManyToManyField(
        Api,
        blank=True,
        related_name="clients",
        verbose_name="further APIs",
        help_text="APIs for which the client may request tokens without a scope. Do not list APIs of the scopes above.",
    )
    remembers_consent = models.BooleanField(
        default=True, help_text="Do not ask a user again for scopes that the user has already allowed."
    )
    skip_authorization = models.BooleanField(
        "skips consent", default=False, help_text="For first-party clients: never ask users for consent."
    )

    allows_undotted_schemes = models.BooleanField(
        "allows schemes without a dot",
        default=False,
        db_default=False,
        help_text="For native applications that cannot change myapp:/callback to com.example.app:/callback. Another"
        " application on the device can claim such a scheme and receive the code; PKCE alone protects it then.",
    )

    # Inherited and not used: one grant type per client, secrets in the row, ID tokens signed with the secret.
    client_secret = models.CharField(max_length=1, blank=True, default="", editable=False)
    hash_client_secret = models.BooleanField(default=True, editable=False)
    authorization_grant_type = models.CharField(
        max_length=44, default=AbstractApplication.GRANT_AUTHORIZATION_CODE, editable=False
    )
    algorithm = models.CharField(max_length=5, default=AbstractApplication.RS256_ALGORITHM, editable=False)

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"
        # tokens/registration/delegation.py lists the changes that need these permissions.
        permissions = [
            ("register_first_party", "Can register clients that never ask users for consent"),
            ("grant_jwt_bearer", "Can register clients that act for users (JWT bearer)"),
            ("grant_token_exchange", "Can register clients that exchange users' tokens"),
            ("redirect_anywhere", "Can register redirect URIs outside of the allow-list"),
        ]
        constraints = [
            # A `sub` is a UUID (36 characters) and an API identifier a URI (has a colon): neither can be a client_id.
            # Only the address of a metadata document has a colon. `open_clients` refuses an address that is an API's.
            models.CheckConstraint(
                condition=~models.Q(client_id__contains=":")
                | models.Q(registered_by__isnull=False, registered_by="document"),
                name="client_id_with_a_colon_is_a_document",
            ),
            models.CheckConstraint(
                condition=~models.Q(client_id__length=36) | models.Q(client_id__contains=":"),
                name="client_id_is_a_document_or_never_a_subject",
            ),
            models.CheckConstraint(condition=~models.Q(client_id=""), name="client_id_is_never_empty"),
            models.CheckConstraint(condition=models.Q(client_secret=""), name="client_secrets_are_rows_of_their_own"),
            models.CheckConstraint(
                condition=lifetimes.bounds(
                    access_token_lifetime=lifetimes.LONGEST_ACCESS_TOKEN,
                    refresh_token_lifetime=lifetimes.LONGEST_REFRESH,
                    refresh_token_idle_lifetime=lifetimes.LONGEST_REFRESH,
                ),
                name="client_lifetimes_are_bounded",
            ),
        ]

    def clean(self) -> None:
        """Raise ValidationError, by field, if the client could not work or would be unsafe."""
        if problems_by_field := client_problems.by_field(self):
            raise ValidationError(problems_by_field)

    @property
    def is_public(self) -> bool:
        """Return True if the client cannot keep a secret and does not authenticate (RFC 6749 section 2.1)."""
        return bool(self.client_type == self.CLIENT_PUBLIC)

    @property
    def kind(self) -> str:
        """Return the client's kind for logs and metrics, such as `public` or `confidential`.

        A self-registered client has the kind `document` or `dynamic` (Registrar).
        """
        return self.registered_by or ("public" if self.is_public else "confidential")

    @property
    def pkce_rule(self) -> PkceRule:
        """Return the PKCE rule that applies to the client's authorization requests (RFC 9700 section 2.1.1)."""
        lowered = next((rule for rule in LOWERED if rule == self.pkce), PkceRule.REQUIRED)
        return PkceRule.REQUIRED if self.is_public or self.follows_fapi2 else lowered

    @property
    def frees_localhost_port(self) -> bool:
        """Return True if a redirect URI at localhost matches any port, as a redirect URI at 127.0.0.1 does."""
        return self.is_public and bool(self.allows_any_localhost_port)

    @property
    def has_keys(self) -> bool:
        """Return True if the client authenticates by private_key_jwt, which requires registered public keys."""
        return self.token_endpoint_auth_method == AuthenticationMethod.PRIVATE_KEY_JWT

    @property
    def must_push_requests(self) -> bool:
        """Return True if the client has to push its authorization requests (RFC 9126 sections 5 and 6)."""
        wants = bool(self.require_pushed_authorization_requests) or self.follows_fapi2
        return wants or issuer().requests.must_be_pushed

    @property
    def must_bind_tokens(self) -> bool:
        """Return True if the client's tokens have to be bound to a DPoP key (RFC 9449 section 5.2)."""
        return bool(self.dpop_bound_access_tokens) or self.follows_fapi2

    @property
    def follows_fapi2(self) -> bool:
        """Return True if the client must follow the FAPI 2.0 Security Profile."""
        return self.security_profile == SecurityProfile.FAPI2 or issuer().requests.follows_fapi2

    @property
    def profile_problem(self) -> str:
        """Return why the client may not be used under its security profile, or "" if the client may be used."""
        return next(iter(fapi2.problems(self)), "") if self.follows_fapi2 else ""

    @property
    def accepted_methods(self) -> tuple[str, ...]:
        """Return the methods by which the client may authenticate."""
        own = self.token_endpoint_auth_method
        either = own in SECRET_METHODS and not self.pins_authentication_method
        return SECRET_METHODS if either else (own,)

    @property
    def permitted_scopes(self) -> Collection[Scope]:
        """Return the scopes that the client may request.

        A self-registered client may request only scopes that the settings still permit
        (tokens/settings/open_client.py).
        """
        own = self.scopes.all()
        if self.registered_by is None:
            return list(own)
        return [scope for scope in own if scope.name in issuer().open_clients.scopes]

    @property
    def permitted_apis(self) -> Collection[Api]:
        """Return the APIs for which the client may request a token without any scope.

        A self-registered client may use only APIs that the settings still permit (tokens/settings/open_client.py).
        """
        own = self.apis.all()
        if self.registered_by is None:
            return list(own)
        return [api for api in own if api.identifier in issuer().open_clients.apis]

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Return True if the client may use at least one of these grant types."""
        # django-oauth-toolkit writes a dash, as in authorization-code, where OAuth has an underscore.
        return any(name in self.grants or name.replace("-", "_") in self.grants for name in grant_types)

    def is_usable(self, _request: object) -> bool:
        """Return True if the client is active. django-oauth-toolkit calls this at every endpoint."""
        return self.is_active

    def note_use(self, *, now: datetime) -> None:
        """Record the day of `now` as the day of the client's last use.

        Does nothing if that day is recorded already. Ignores an outage of the database.
        """
        if self.last_used_on != now.date():
            self.last_used_on = now.date()
            with unless_down():
                Client.objects.filter(pk=self.pk).update(last_used_on=self.last_used_on)


# For the constraint on client_id__length.
models.CharField.register_lookup(Length)
