"""Logs users out everywhere: ends all sessions, grants and tokens of a user, or all grants and tokens of a client.

- Lock order: the user, then the user's grants, as in token issuance. A change of a client locks the client, then the
  row with the registry's version, then the client's grants.
- Each user has a session epoch, a random value. Sessions and grants store the epoch of their login, and end when the
  user gets another epoch. `user_grant.create` compares the session's epoch with the user's, so an ended session gets no
  grant.
- A revocation has an instant, which is read from the database's clock. It revokes every token whose `iat` is not later
  than this instant. The `iat` is the time at which the token's request arrived. So if the request was checked before
  the user or client was disabled, the token's `iat` is before the commit of that change.
- The instant is read before the commit. If the commit ends in a later second, tokens are revoked again, up to the
  instant after the commit.
- The revocation would also cover a new token whose `iat` is in the same second. So until the next second begins, the
  issuer answers token requests for this user or client with 503 (revocation_second).
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
    """A function that revokes a set of tokens, such as those of one user, if they were issued up to an instant."""

    def __call__(self, *, now: datetime) -> None:
        """Revoke the tokens that were issued up to `now`, an instant of the database's clock."""


def end_sessions_and_tokens(user: User, reason: str) -> None:
    """End all sessions, grants and tokens of the user. The user can log in again at once."""
    with transaction.atomic():
        now = store.database_now()
        session_end.queue_logouts([user.pk], now=now)
        user.end_sessions(now=now)
        revoke_matching(Q(user=user), reason)
        revoke_until_commit(partial(revocation_record.revoke_users, [str(user.sub)]))


def withdraw_consents(*users: User) -> None:
    """Delete the users' consents. Each client then has to ask for consent again.

    The caller must lock the users first, as in token issuance.
    """
    Consent.objects.filter(user__in=users).delete()


def revoke_user(user: User, reason: str) -> None:
    """Revoke all grants and tokens of a user who was disabled or deleted.

    Tokens that other requests issue before the commit are revoked, too. For a disabled user, also queues logout
    messages to clients. For a deleted user, `signals.lock_user` queued these messages before the deletion.
    """
    # Sessions need no step: a trigger changed the epoch of the disabled user (tokens/triggers/session_epoch.py).
    with transaction.atomic():
        session_end.queue_logouts([user.pk], now=store.database_now())
        revoke_matching(Q(user=user), reason)
        revoke_until_commit(partial(revocation_record.revoke_users, [str(user.sub)]))


def revoke_client(client: Client, reason: str) -> None:
    """Revoke all grants and tokens of a client that was disabled or deleted.

    Tokens that other requests issue before the commit are revoked, too.
    """
    with transaction.atomic():
        revocation_record.renew_registry()  # locks the registry before the grants (lock order)
        revoke_matching(Q(client=client), reason)
        revoke_until_commit(partial(revocation_record.revoke_client, client.client_id))


def revoke_matching(condition: Q, reason: str) -> int:
    """Revoke the grants that match `condition`, and return their number.

    The caller must revoke the access tokens of the grants in the same transaction.
    """
    live = condition & Q(revoked_at=None)
    user_grant.lock_all(live)
    return UserGrant.objects.filter(live).update(revoked_at=store.database_now(), revoke_reason=reason)


def revoke_until_commit(revoke: Revoke) -> None:
    """Call `revoke` now. Call it again after the commit, unless the commit ends in the same second as the first call.

    The seconds are those of the database's clock. The call after the commit revokes the tokens that other nodes issued
    before they could see the change.
    """
    # Until the commit, other nodes do not see the change, and can issue tokens that must be revoked.
    before = store.database_now()
    revoke(now=before)

    def revoke_later_tokens() -> None:
        if (after := store.database_now()).replace(microsecond=0) > before:
            revoke(now=after)

    # robust: the change is committed by now, so an error here must not reach the caller as if the change had failed.
    transaction.on_commit(revoke_later_tokens, robust=True)
