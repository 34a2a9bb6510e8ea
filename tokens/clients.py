"""Registering clients: one function for the command line, the demo and whoever comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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


def register(
    registration: Registration, *, actor: str, now: datetime, secret: str | None = None
) -> tuple[Client, str | None]:
    """Make a client, and for a confidential one its secret: this is the only moment it can be read.

    `secret` is generated when None. Raises ValidationError, with each problem at the field it belongs to, and
    ValueError for a secret that is too short.
    """
    scopes = list(Scope.objects.filter(name__in=registration.scopes))
    if unknown := set(registration.scopes) - {scope.name for scope in scopes} - Scope.OPENID:
        raise ValidationError(
            {"scopes": f"There is no scope {', '.join(sorted(unknown))}. Make it in the admin first."}
        )
    public = registration.public
    client = Client(
        name=registration.name,
        grants=list(registration.grants),
        redirect_uris=" ".join(registration.redirect_uris),
        client_type=Client.CLIENT_PUBLIC if public else Client.CLIENT_CONFIDENTIAL,
        token_endpoint_auth_method=AuthenticationMethod.NONE if public else AuthenticationMethod.SECRET_BASIC,
    )
    if registration.client_id is not None:
        client.client_id = registration.client_id
    client.full_clean()
    with transaction.atomic():
        client.save()
        client.scopes.set(scopes)
        if not public:
            secret = client_secret.add(client, secret, now=now) if secret else client_secret.create(client, now=now)
        record("client.created", actor=actor, subject=f"client:{client.client_id}", now=now)
    return client, secret
