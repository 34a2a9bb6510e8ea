"""Register a client. Commands, the admin, manifests, the demo and certification runs call this module.

1. Refuse an empty name, two authentication methods, and an expiry date for a secret that is not created.
2. Find the scopes and APIs.
3. Validate the client, then save it with its scopes, its APIs and its audit event in one transaction.
4. Add a secret if the client authenticates with a secret.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from tokens import conf, registry_lock
from tokens.addresses import logout_uri_problem
from tokens.audit.trail import record
from tokens.clients import client_secret
from tokens.issued import audience
from tokens.models import Api, AuthenticationMethod, Client, Scope
from tokens.registration import less_strict, secret_rotation

STRICTER = (
    *("recipe", "required_class", "require_pushed_authorization_requests", "require_signed_request_object"),
    *("security_profile", "id_token_signed_response_alg"),
)
"""Columns of a new client that the audit event contains if they are set, in addition to `less_strict.switches`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The properties of a client to register."""

    name: str
    grants: Sequence[str] = ()
    redirect_uris: Sequence[str] = ()
    scopes: Sequence[str] = ()
    apis: Sequence[str] = ()
    """Identifiers of APIs for which the client may request tokens without a scope."""
    client_id: str | None = None
    """The client_id. If None, a random one is generated."""
    method: str | None = None
    """Authentication method (RFC 7591 section 2). If None, `authentication` derives it from `public` and `has_keys`."""
    public: bool = False
    jwks: object = None
    """The client's public keys, for private_key_jwt. A client with keys gets no secret."""
    jwks_uri: str = ""
    """The URL where the client publishes its public keys, instead of `jwks`."""
    secret_expires_at: datetime | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the client by name: lifetimes, consent, origins, post-logout redirect URIs."""

    @property
    def has_keys(self) -> bool:
        """Return True if the client has public keys, inline or by URL."""
        return self.jwks is not None or bool(self.jwks_uri)

    @property
    def authentication(self) -> AuthenticationMethod:
        """Return `method`, or the derived authentication method if `method` is None.

        The derived method follows from the client's type (public or confidential) and from its keys.
        """
        if self.method is not None:  # `register` refuses a method that contradicts the type or the keys
            return AuthenticationMethod(self.method)
        return authentication_method(None, is_public=self.public, has_keys=self.has_keys)


def authentication_method(current: str | None, *, is_public: bool, has_keys: bool) -> AuthenticationMethod:
    """Return the authentication method for a client. `current` is the chosen or stored method, or None.

    1. A public client uses the method "none".
    2. A confidential client keeps `current`. But if `current` is "none", client_secret_basic replaces it.
    3. If `current` is None or unknown, a confidential client with keys uses private_key_jwt. A confidential client
       without keys uses client_secret_basic.
    """
    if is_public:
        return AuthenticationMethod.NONE
    if current not in AuthenticationMethod.values:
        return AuthenticationMethod.PRIVATE_KEY_JWT if has_keys else AuthenticationMethod.SECRET_BASIC
    return AuthenticationMethod.SECRET_BASIC if current == AuthenticationMethod.NONE else AuthenticationMethod(current)


def register(
    registration: Registration, *, actor: str, now: datetime, secret: str | None = None
) -> tuple[Client, str | None]:
    """Register a client. Return the client and its secret. The secret is None if the client does not need one.

    If the client needs a secret and `secret` is None, a secret is generated. Only its hash is stored.

    Raises:
        ValidationError: A field is invalid, or fields contradict each other. The error names the field.
        ValueError: `secret` is too weak.
        RegistryLocked: Another transaction held a lock for too long.
    """
    _refuse_contradictions(registration, now=now)
    client, scopes, apis = unsaved(registration)
    client.full_clean()
    with registry_lock.change():
        client.save()
        client.scopes.set(scopes)
        client.apis.set(apis)
        subject, details = f"client:{client.client_id}", created_row(client, scopes, apis)
        record("client.created", actor=actor, subject=subject, details=details, now=now)
        if registration.authentication not in client_secret.METHODS:
            return client, None
        expires_at = registration.secret_expires_at
        secret = secret_rotation.add(client, actor=actor, now=now, expires_at=expires_at, secret=secret)
    return client, secret


def unsaved(registration: Registration) -> tuple[Client, list[Scope], list[Api]]:
    """Return the unsaved client, its scopes and its APIs. Raises ValidationError if a scope or API does not exist."""
    return _client(registration), _scopes(registration.scopes), _apis(registration.apis)


def logout_fields(uri: str) -> dict[str, Any]:
    """Return the column for the back-channel logout URI of a client, with the value `uri`.

    Returns {} if the issuer may not post to `uri`.
    """
    allowed = logout_uri_problem(uri, loopback=conf.issuer().is_development) is None
    return {"backchannel_logout_uri": uri} if allowed else {}


def created_row(client: Client, scopes: Iterable[Scope], apis: Iterable[Api]) -> dict[str, Any]:
    """Return the properties of a new client for the audit trail: fields that are not empty, and `audited_switches`."""
    fields = {
        "name": client.name,
        "client_type": client.client_type,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "grants": list(client.grants),
        "scopes": sorted(scope.name for scope in scopes),
        "apis": sorted(api.identifier for api in apis),
        "redirect_uris": client.redirect_uris.split(),
        "skip_authorization": client.skip_authorization,
        "client_jwks_uri": client.client_jwks_uri,
        "backchannel_logout_uri": client.backchannel_logout_uri,
    }
    return {name: value for name, value in fields.items() if value} | audited_switches(client)


def audited_switches(client: Client) -> dict[str, Any]:
    """Return the columns of a client that the audit trail records, with their values.

    These are the columns that make the client less strict than the default (`less_strict.switches`), and those columns
    in STRICTER that are not empty.
    """
    named = {name: value for name in STRICTER if (value := getattr(client, name))}
    return less_strict.switches(client) | named


def _client(registration: Registration) -> Client:
    """Return the unsaved client that the registration describes, without scopes, APIs and secret."""
    public = registration.authentication == AuthenticationMethod.NONE
    client = Client(
        name=registration.name.strip(),
        grants=list(registration.grants),
        redirect_uris=" ".join(registration.redirect_uris),
        client_type=Client.CLIENT_PUBLIC if public else Client.CLIENT_CONFIDENTIAL,
        token_endpoint_auth_method=registration.authentication,
        client_jwks=registration.jwks,
        client_jwks_uri=registration.jwks_uri,
        **registration.policy,
    )
    if registration.client_id is not None:
        client.client_id = registration.client_id
    return client


def _refuse_contradictions(registration: Registration, *, now: datetime) -> None:
    """Raise ValidationError if the name is empty, or if the registration contradicts itself.

    The registration contradicts itself if its type, keys and `method` imply two authentication methods, or if it
    sets the expiry date of a secret and the client gets no secret. Also raises ValidationError if the date has passed.
    """
    method, expires_at = registration.authentication, registration.secret_expires_at
    if not registration.name.strip():
        raise ValidationError({"name": "Enter a name. It is shown to users on the consent page."})
    if registration.public and method != AuthenticationMethod.NONE:
        raise ValidationError({"client_type": f"A public client cannot use {method.value}. Remove one of the two."})
    if registration.has_keys and method == AuthenticationMethod.NONE:
        raise ValidationError({"client_type": "A public client cannot have keys. Remove one of the two."})
    if registration.has_keys and method != AuthenticationMethod.PRIVATE_KEY_JWT:
        raise ValidationError({"client_jwks": f"{method.value} does not use keys. Remove one of the two."})
    if expires_at is not None and method not in client_secret.METHODS:
        raise ValidationError({"secret": "This client has no secret that could expire."})
    if expires_at is not None and expires_at <= now:
        raise ValidationError({"secret": "The expiry time has passed."})


def _scopes(names: Sequence[str]) -> list[Scope]:
    scopes = list(Scope.objects.filter(name__in=names))
    # The OpenID scopes belong to no API and have no row.
    if unknown := set(names) - {scope.name for scope in scopes} - set(audience.offered()):
        raise ValidationError({"scopes": [_missing(name) for name in sorted(unknown)]})
    return scopes


def _missing(scope: str) -> str:
    """Return the error text for a scope that does not exist. The text names the command or the settings to use."""
    if scope in audience.OPENID:
        return f"There is no scope {scope}. The issuer's settings GROUPS_CLAIM and CLAIMS_SOURCE offer it."
    return f"There is no scope {scope}. Create it with create_api or in the admin."


def _apis(identifiers: Sequence[str]) -> list[Api]:
    apis = {identifier: Api.named(identifier) for identifier in identifiers}
    if unknown := [identifier for identifier, api in apis.items() if api is None]:
        raise ValidationError(
            {"apis": f"There is no API {', '.join(sorted(unknown))}. Create it with create_api or in the admin."}
        )
    return [api for api in apis.values() if api is not None]


def api_of(client: Client) -> str:
    """Return the identifier of the API of one of the client's scopes, or "" if the client has no scope.

    If the client has several scopes, the one that was created first counts.
    """
    return client.scopes.order_by("pk").values_list("api__identifier", flat=True).first() or ""
