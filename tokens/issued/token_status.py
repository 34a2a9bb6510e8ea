"""Looks up whether a presented token is still accepted.

A token is accepted unless
1. a revocation covers it,
2. its client was disabled or deleted,
3. its user was disabled or deleted, if it is a user's token.

One SQL statement checks all three conditions. It also reads the version of the registry, which says whether cached
clients are current (tokens/clients/registry.py).
"""

import uuid
from dataclasses import dataclass

from tokens import plain_sql
from tokens.issued import revocation_key, revocation_record
from tokens.issued.token_reader import PresentedToken

STATUS = """
SELECT value,
    EXISTS (SELECT 1 FROM tokens_revocation WHERE "key" IN ({keys}) AND (issued_before = 0 OR issued_before > %s)),
    EXISTS (SELECT 1 FROM tokens_user WHERE sub = %s AND is_active),
    EXISTS (SELECT 1 FROM tokens_client WHERE client_id = %s AND is_active)
FROM tokens_registryversion ORDER BY id LIMIT 1"""
NO_USER = uuid.UUID(int=0)
"""Replaces the `sub` of a client in the query. No user has this `sub`, because the `sub` of users is random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatus:
    """The state of a token in the database."""

    registry: str | None
    """The version of the registry at the lookup, for the cache of clients (tokens/clients/registry.py)."""
    is_revoked: bool
    has_active_user: bool
    """True if the token's `sub` is a user who may log in."""
    has_active_client: bool
    """True if the token's `client_id` is a client that may be used."""


def is_accepted(token: PresentedToken) -> bool:
    """Return True unless `token` is revoked, or its client or user is not active. A client's own token has no user."""
    return accepts(look_up(token), token)


def accepts(status: TokenStatus, token: PresentedToken) -> bool:
    """Return True unless `status` says that `token` is revoked, or that its client or user is not active.

    A client's own token has no user.
    """
    has_holder = status.has_active_client and (status.has_active_user or token.subject == token.client_id)
    return has_holder and not status.is_revoked


def look_up(token: PresentedToken) -> TokenStatus:
    """Return the state of `token` in the database.

    If the issuer's table RegistryVersion has no row, returns a state in which the token is not accepted.
    """
    # A user or client that was disabled by plain SQL left no revocation, so `is_active` is read, too.
    keys = revocation_record.stored_keys(set(revocation_key.keys(token.claims, kid=token.kid)))
    values = [*keys, token.claims["iat"], *revocation_record.stored_keys([_user(token)]), token.client_id]
    # Every introspection runs this statement. Through the ORM, it took most of the request's CPU time.
    with plain_sql.cursor() as cursor:
        cursor.execute(STATUS.format(keys=", ".join(["%s"] * len(keys))), values)
        row = cursor.fetchone()
    registry, is_revoked, has_user, has_client = row or (None, True, False, False)
    return TokenStatus(
        registry=registry,
        is_revoked=bool(is_revoked),
        has_active_user=bool(has_user),
        has_active_client=bool(has_client),
    )


def _user(token: PresentedToken) -> uuid.UUID:
    """Return the token's `sub`, or NO_USER if the `sub` is a client_id."""
    try:
        return uuid.UUID(token.subject)
    except ValueError:
        return NO_USER
