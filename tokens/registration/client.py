"""Registering clients: one function for the command line, the demo and whoever comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.clients import client_secret
from tokens.issued.audience import OPENID
from tokens.models import Api, AuthenticationMethod, Client, Scope
from tokens.registration import secret_rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a client is registered with."""

    name: str
    grants: Sequence[str] = ()
    redirect_uris: Sequence[str] = ()
    scopes: Sequence[str] = ()
    apis: Sequence[str] = ()
    """Identifiers of APIs that it may ask a token for without a scope."""
    client_id: str | None = None
    """Generated when None."""
    method: str | None = None
    """How it proves who it is (RFC 7591 section 2); None: by the keys it has or has not."""
    public: bool = False
    jwks: object = None
    """The public keys of a client that proves itself with its own key: it gets no secret."""
    jwks_uri: str = ""
    """Or where it publishes them."""
    secret_expires_at: datetime | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the client, by name: lifetimes, consent, origins, addresses to go to after a logout."""

    @property
    def has_keys(self) -> bool:
        """Whether it comes with public keys, pasted or published."""
        return self.jwks is not None or bool(self.jwks_uri)

    @property
    def authentication(self) -> AuthenticationMethod:
        """How the client proves who it is."""
        if self.method is not None:
            return AuthenticationMethod(self.method)
        if self.public:
            return AuthenticationMethod.NONE
        return AuthenticationMethod.PRIVATE_KEY_JWT if self.has_keys else AuthenticationMethod.SECRET_BASIC


def register(
    registration: Registration, *, actor: str, now: datetime, secret: str | None = None
) -> tuple[Client, str | None]:
    """Make a client, and for one that proves itself by a secret that secret: it can be read at this moment only.

    `secret` is generated when None. Raises ValidationError, with each problem at the field it belongs to, and
    ValueError for a secret that is too weak, RegistryLocked.
    """
    _refuse_contradictions(registration, now=now)
    scopes, apis = _scopes(registration.scopes), _apis(registration.apis)
    client = _client(registration)
    client.full_clean()
    with registry_lock.change():
        client.save()
        client.scopes.set(scopes)
        client.apis.set(apis)
        record("client.created", actor=actor, subject=f"client:{client.client_id}", now=now)
        if registration.authentication in client_secret.METHODS:
            expires_at = registration.secret_expires_at
            secret = secret_rotation.give(client, actor=actor, now=now, expires_at=expires_at, secret=secret)
    return client, secret


def _client(registration: Registration) -> Client:
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
    """What would be left unsaid: its name, which of two ways proves who it is, an end of a secret that is not there."""
    method, expires_at = registration.authentication, registration.secret_expires_at
    if not registration.name.strip():
        raise ValidationError({"name": "Enter a name: users read it when they are asked for consent."})
    if registration.public and method != AuthenticationMethod.NONE:
        raise ValidationError({"client_type": f"A public client cannot use {method.value}; leave one of the two."})
    if registration.has_keys and method == AuthenticationMethod.NONE:
        raise ValidationError({"client_type": "A public client has no key to prove itself with; leave one of the two."})
    if registration.has_keys and method != AuthenticationMethod.PRIVATE_KEY_JWT:
        raise ValidationError({"client_jwks": f"Keys are of no use to {method.value}; leave one of the two."})
    if expires_at is not None and method not in client_secret.METHODS:
        raise ValidationError({"secret": "This client gets no secret that could expire."})
    if expires_at is not None and expires_at <= now:
        raise ValidationError({"secret": "It would have expired already."})


def _scopes(names: Sequence[str]) -> list[Scope]:
    found = list(Scope.objects.filter(name__in=names))
    if unknown := set(names) - {scope.name for scope in found} - OPENID.keys():
        raise ValidationError(
            {"scopes": f"There is no scope {', '.join(sorted(unknown))}. create_api makes one, or the admin."}
        )
    return found


def _apis(identifiers: Sequence[str]) -> list[Api]:
    found = list(Api.objects.filter(identifier__in=identifiers))
    if unknown := set(identifiers) - {api.identifier for api in found}:
        raise ValidationError(
            {"apis": f"There is no API {', '.join(sorted(unknown))}. create_api makes one, or the admin."}
        )
    return found
