"""Logs users out everywhere: ends all sessions, grants and tokens of a user, or all grants and tokens of a client.

- Lock order: the user, then the grants, as token issuance does. A change of a client locks the client, then the
  registry, then its grants.
- Sessions and grants end by the user's session epoch, which is compared by equality (user_grant.create).
- Tokens end by an instant of the database's clock. A token's `iat` is the arrival of its request, before any check. So
  a token whose checks ran before the change was committed is dated before the commit.
- The instant is read before the commit. If the commit ends in a later second, the tokens are revoked up to that second.
- No token is issued that the revocation covers (revocation_second). Until the next second, the issuer answers 503.
"""

from datetime import datetime
from functools import partial
from typing import Protocol

from django.db import transaction
from django.db.models import Q

from tokens.back_channel import session_end
from tokens.issued import revocation_record, user_grant
from tokens.keys import store
from tokens.models import Client, Consent, User, UserGrant


class Revoke(Protocol):
    """A function that revokes all tokens of one user or client up to an instant."""

    def __call__(self, *, now: datetime) -> None:
        """Revoke all tokens issued up to `now`, an instant of the database's clock."""


def log_out(user: User, reason: str) -> None:
    """End all sessions, grants and tokens of the user. The user can log in again at once."""
    with transaction.atomic():
        now = store.database_now()
        session_end.all_sessions_ended(user, now=now)
        user.end_sessions(now=now)
        revoke_grants(Q(user=user), reason)
        revoke_until_commit(partial(revocation_record.revoke_users, [str(user.sub)]))


def withdraw_consents(user: User) -> None:
    """Delete the user's consents, so that each client has to ask for consent again."""
    Consent.objects.filter(user=user).delete()


def revoke_user(user: User, reason: str) -> None:
    """Revoke all grants and tokens of a user who was disabled or deleted, including those being issued now.

    If the user is being deleted, `signals` queues the logout messages to clients, while the user still exists.
    """
    # Sessions need no step: the disabled user's epoch changed by a trigger (tokens/triggers/session_epoch.py).
    with transaction.atomic():
        session_end.all_sessions_ended(user, now=store.database_now())
        revoke_grants(Q(user=user), reason)
        revoke_until_commit(partial(revocation_record.revoke_users, [str(user.sub)]))


def revoke_client(client: Client, reason: str) -> None:
    """Revoke all grants and tokens of a client that was disabled or deleted, including those being issued now."""
    with transaction.atomic():
        revocation_record.renew_registry()  # locks the registry before the grants (lock order)
        revoke_grants(Q(client=client), reason)
        revoke_until_commit(partial(revocation_record.revoke_client, client.client_id))


def revoke_grants(condition: Q, reason: str) -> int:
    """Revoke the grants that match `condition`, and return their number.

    The caller must revoke their tokens in the same transaction.
    """
    live = condition & Q(revoked_at=None)
    user_grant.lock_all(live)
    return UserGrant.objects.filter(live).update(revoked_at=store.database_now(), revoke_reason=reason)


def revoke_until_commit(revoke: Revoke) -> None:
    """Call `revoke` so that it covers all tokens issued before the current transaction is committed."""
    # Until the commit, other nodes do not see the change, and can issue tokens that it must revoke.
    before = store.database_now()
    revoke(now=before)

    def revoke_later_tokens() -> None:
        if (after := store.database_now()).replace(microsecond=0) > before:
            revoke(now=after)

    # robust: the change is committed, so a failure here must not look to the caller as if it were not.
    transaction.on_commit(revoke_later_tokens, robust=True)
