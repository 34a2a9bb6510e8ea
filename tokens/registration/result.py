"""Register a client or an API once, and return all that `create_client` and `create_api` print about it.

A result is plain data. It has the new secret, which is shown once and is in no `repr`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokens.jose import public_keys
from tokens.keys import rings
from tokens.models import Api, Client
from tokens.registration import less_strict, repeat
from tokens.registration.api import scope_rows
from tokens.registration.client import Registration, api_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientResult:
    """A registered client, with all that `create_client` prints about the client."""

    client: Client
    secret: str | None = field(repr=False)
    """The new secret. None if the client has no secret, or was registered before."""
    created: bool
    """False if an equal client was registered before."""
    warnings: Sequence[str]
    """A sentence for each of its public keys that the issuer does not use."""
    less_strict: Sequence[str]
    """A sentence for each setting that is less strict than the default."""
    api: str
    """The identifier of the API whose scopes the client requests, or ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApi:
    """The properties of an API to register."""

    identifier: str
    name: str
    scopes: Mapping[str, str]
    """The description of each scope."""
    limits: Sequence[tuple[str, str]] = ()
    """Pairs of a scope and a group. Only users in its groups get the scope."""
    max_token_lifetime: timedelta | None = None
    algorithms: Sequence[str] = ()
    """The signature algorithms that the API accepts. If empty, that of the default ring."""
    switches: Mapping[str, bool] = field(default_factory=dict)
    """The value of each of `api.SWITCHES`."""
    client: Client | None = None
    """The registered client with which the API authenticates at the issuer."""
    own_client: Registration | None = None
    """A client to register together with the API, in place of `client`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResult:
    """A registered API, with all that `create_api` prints about the API."""

    api: Api
    scopes: Sequence[str]
    client_id: str
    """The client_id of the client that was registered together with the API, or ""."""
    secret: str | None = field(repr=False)
    """The new secret of that client. None if there is none."""
    created: bool
    """False if an equal API was registered before."""


def register_client(registration: Registration, *, actor: str, now: datetime) -> ClientResult:
    """Register the client unless an equal client is registered.

    Raises ValidationError if a client with this client_id exists and differs. Also raises what `register` raises.
    """
    client, secret, created = repeat.client_once(registration, actor=actor, now=now)
    return ClientResult(
        client=client,
        secret=secret,
        created=created,
        warnings=tuple(public_keys.skipped(client.client_jwks)) if client.client_jwks else (),
        less_strict=tuple(less_strict.sentences(client)),
        api=api_of(client),
    )


def register_api(wanted: NewApi, *, actor: str, now: datetime) -> ApiResult:
    """Register the API, its scopes and its own client, unless they are registered and equal.

    Raises ValidationError if the API or the client exists and differs, or if a group does not exist. Also raises what
    `api.register` raises.
    """
    api = Api(
        identifier=wanted.identifier,
        name=wanted.name,
        max_token_lifetime=wanted.max_token_lifetime,
        client=wanted.client,
        **{name: value or None for name, value in wanted.switches.items()},
    )
    api.algorithms = list(dict.fromkeys(wanted.algorithms or [rings.default_algorithm()]))
    scopes, own = scope_rows(dict(wanted.scopes), list(wanted.limits)), wanted.own_client
    api, secret, created = repeat.api_once(api, scopes, own, actor=actor, now=now)
    client_id = (own.client_id or "") if own else ""
    return ApiResult(api=api, scopes=tuple(wanted.scopes), client_id=client_id, secret=secret, created=created)
