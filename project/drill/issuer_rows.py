"""Creates the rows of the drill in the issuer's database: APIs, scopes, a client for each grant type, and users.

`registration` calls `create` in a `manage.py shell` of the issuer, because the drill's own process has no Django.
"""

from datetime import datetime, timedelta
from typing import Any

from project.drill.registration import CALLBACK, DEVICE, EXCHANGE, JWT_BEARER, USERS, RowValues
from project.drill.topology import AUDIENCE, ORDERS, WEBAPP
from tokens.clients import client_secret
from tokens.models import Api, Client, ExchangePolicy, Scope, User, UserGrant

LOGIN = ("authorization_code", "refresh_token")


def create(row_values: RowValues, *, now: datetime) -> dict[str, str]:
    """Create the drill's APIs, scopes, clients and users. Return the `sub` of each user, by username."""
    notes = Api.objects.create(identifier=AUDIENCE, name="Notes")
    read = Scope.objects.create(name="notes:read", description="Read", api=notes)
    write = Scope.objects.create(name="notes:write", description="Write", api=notes)
    app = _client("app", "none", *LOGIN, scopes=[read], redirect_uris=CALLBACK)
    webapp = _client(
        WEBAPP, "client_secret_basic", *LOGIN, scopes=[read, write], redirect_uris=row_values.webapp_callback
    )
    client_secret.add(webapp, row_values.webapp_secret, now=now)
    _client("tv", "none", DEVICE, scopes=[read])
    _client("batch", "private_key_jwt", "client_credentials", JWT_BEARER, scopes=[read], client_jwks=row_values.jwks)
    service = _client("service", "client_secret_basic", "client_credentials", scopes=[read])
    client_secret.add(service, row_values.secret, now=now)
    _broker(row_values, notes, read, now=now)
    users = {name: User.objects.create_user(name, password=row_values.password) for name in USERS}
    _grant(users["crowd"], app, now=now)
    return {name: str(user.sub) for name, user in users.items()}


def _broker(row_values: RowValues, notes: Api, read: Scope, *, now: datetime) -> None:
    """Create the API `orders` and the client `broker`. The API `notes` authenticates at the issuer as `broker`.

    By token exchange (RFC 8693), `broker` gets a token with the audience `orders` for a user's token with the audience
    `notes`. `read` is a scope of `notes`. `row_values` has the secret of `broker`.
    """
    orders = Api.objects.create(identifier=ORDERS, name="Orders")
    see = Scope.objects.create(name="orders:read", description="See", api=orders)
    broker = _client("broker", "client_secret_basic", EXCHANGE, scopes=[read, see])
    client_secret.add(broker, row_values.secret, now=now)
    notes.client = broker
    notes.save()
    ExchangePolicy.objects.create(client=broker, api=orders).scopes.add(see)


def _client(name: str, method: str, *grants: str, scopes: list[Scope], **fields: Any) -> Client:
    """Create the client `name` in the issuer's database, and return it.

    `method` is the authentication method at the token endpoint. A client with the method `none` is public. `grants` are
    the grant types, and `fields` are further columns.
    """
    client = Client.objects.create(
        client_id=name,
        name=name,
        client_type=Client.CLIENT_PUBLIC if method == "none" else Client.CLIENT_CONFIDENTIAL,
        token_endpoint_auth_method=method,
        grants=list(grants),
        **fields,
    )
    client.scopes.set(scopes)
    return client


def _grant(user: User, client: Client, *, now: datetime) -> None:
    """Create one user grant. `registration.add_crowd` stores a copy of it for each user that it adds."""
    UserGrant.objects.create(
        user=user,
        client=client,
        audience=AUDIENCE,
        scope="openid notes:read",
        auth_time=now,
        created_at=now,
        ends_at=now + timedelta(days=1),
        session_epoch=user.session_epoch,
    )
