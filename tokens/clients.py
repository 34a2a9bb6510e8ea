"""Registering clients: one function for the command line, the demo and whoever comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from tokens.audit import record
from tokens.models import AuthenticationMethod, Client, Scope
from tokens.oauth import client_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a client is registered with."""

    name: str
    grants: Sequence[str]
    redirect_uris: Sequence[str] = ()
    scopes: Sequence[str] = ()
    client_id: str | None = None
    """Generated when None."""
    public: bool = False
    jwks: Mapping[str, Any] | None = None
    """The public keys of a client that proves itself with its own key: it gets no secret."""
    jwks_uri: str = ""
    """Or where it publishes them."""
    policy: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the client, by name: lifetimes, consent, origins, addresses to go to after a logout."""

    @property
    def authentication(self) -> AuthenticationMethod:
        """How the client proves who it is."""
        if self.public:
            return AuthenticationMethod.NONE
        return AuthenticationMethod.PRIVATE_KEY_JWT if self.jwks or self.jwks_uri else AuthenticationMethod.SECRET_BASIC


def register(
    registration: Registration, *, actor: str, now: datetime, secret: str | None = None
) -> tuple[Client, str | None]:
    """Make a client, and for one that proves itself by a secret that secret: it can be read at this moment only.

    `secret` is generated when None. Raises ValidationError, with each problem at the field it belongs to, and
    ValueError for a secret that is too short.
    """
    scopes = list(Scope.objects.filter(name__in=registration.scopes))
    if unknown := set(registration.scopes) - {scope.name for scope in scopes} - Scope.OPENID:
        raise ValidationError(
            {"scopes": f"There is no scope {', '.join(sorted(unknown))}. Make it in the admin first."}
        )
    public = registration.public
    if public and (registration.jwks or registration.jwks_uri):
        raise ValidationError({"client_type": "A public client has no key to prove itself with; leave one of the two."})
    client = Client(
        name=registration.name,
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
    client.full_clean()
    with transaction.atomic():
        client.save()
        client.scopes.set(scopes)
        if registration.authentication == AuthenticationMethod.SECRET_BASIC:
            secret = client_secret.add(client, secret, now=now) if secret else client_secret.create(client, now=now)
        record("client.created", actor=actor, subject=f"client:{client.client_id}", now=now)
    return client, secret
