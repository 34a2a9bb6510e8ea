"""Ends login sessions. In the caller's transaction, also stores a logout message for each client of a session.

A message is a row of the outbox. `sender` delivers it after the commit.

The duty of a caller of `end_session` or `queue_logouts`:

1. Open a transaction (`transaction.atomic`) around the call and the deletion of the session's row. A rollback then
   sends nothing, and a commit loses nothing.
2. Before locking a grant, lock its user. Token issuance uses the same order.
3. Record an audit event for the logout. The functions of this module record none.

If the session has ended already, no message is stored.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from tokens.issued import user_grant as user_grants
from tokens.issued.audience import OFFLINE
from tokens.models import EndedSession, LogoutMessage, SessionClient, User, UserGrant

GIVE_UP_AFTER = timedelta(days=1)
"""The time for which attempts are made to send a message. It begins at the end of the session or at `send_again`."""
ENDED = "its session ended"


@transaction.atomic
def end_session(user: User, sid: str, *, now: datetime) -> int:
    """End the login session `sid` of `user`, and store logout messages. Return the number of messages.

    1. Requests that began in the session get no authorization code any more.
    2. Each active client that got an ID token in the session, and has a back-channel logout URI, gets a message.
    3. The grants that the user gave in the session to clients with a back-channel logout URI are revoked. A grant with
       `offline_access` is not revoked (Back-Channel Logout 1.0 section 2.7).

    `now` is the database's clock. If `sid` is a session of another user, no message is stored and no grant is revoked.
    If `sid` is "", no session ends. The module's docstring lists what the caller must do.
    """
    _lock([user.pk])
    if not sid:
        return 0
    clients = SessionClient.objects.filter(user=user, sid=sid)
    EndedSession.objects.bulk_create([EndedSession(sid=sid, at=now)], ignore_conflicts=True)
    number = _tell(clients, now=now)  # before the grants: the lock order
    _end_grants(Q(user=user, sid=sid), now=now)
    return number


def has_ended(sid: str) -> bool:
    """Return True if `end_session` was called for the session with this `sid`."""
    return EndedSession.objects.filter(sid=sid).exists()


@transaction.atomic
def queue_logouts(users: Collection[int], *, now: datetime) -> int:
    """Store logout messages to the clients of every login session of these users. Return the number of messages.

    `users` are primary keys. This function ends nothing: the caller must revoke the grants, and must end the sessions
    by giving each user a new `session_epoch` (revoking/everywhere.py).
    """
    _lock(users)
    return _tell(SessionClient.objects.filter(user__in=users), now=now)


def _lock(users: Collection[int]) -> None:
    """Lock the rows of the users with these primary keys until the transaction ends."""
    # In the order of their keys, as in every transaction that locks several users.
    list(User.objects.select_for_update(no_key=True).filter(pk__in=users).order_by("pk").values_list("pk"))


def lock_sessions(condition: Q) -> None:
    """Lock the rows of `SessionClient` that match `condition` until the transaction ends.

    Lock order: the user or the client, these rows, then the grants.
    """
    list(SessionClient.objects.select_for_update().filter(condition).order_by("pk").values_list("pk"))


def _tell(clients: "QuerySet[SessionClient]", *, now: datetime) -> int:
    """Store a message for each row of `clients` whose client is active and has a back-channel logout URI.

    Then deletes all rows of `clients`. Returns the number of messages.
    """
    # Locked in the order of their keys, as by a deletion of clients, which cannot delete a client of a message then.
    rows = list(clients.select_related("user", "client").select_for_update(of=("self",)).order_by("pk"))
    messages = [
        LogoutMessage(
            client=row.client,
            sub=str(row.user.sub),
            sid=row.sid,
            created_at=now,
            due_at=now,
            give_up_at=now + GIVE_UP_AFTER,
        )
        for row in rows
        # A disabled client must not get identifiers of users any more.
        if row.client.is_active and row.client.backchannel_logout_uri
    ]
    LogoutMessage.objects.bulk_create(messages)
    SessionClient.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(messages)


def _end_grants(session: Q, *, now: datetime) -> None:
    """Revoke the grants that match the condition `session` and can still be refreshed.

    Skips grants with `offline_access`, and grants of clients without a back-channel logout URI.
    """
    live = session & Q(revoked_at=None, refresh_until__gt=now, client__backchannel_logout_uri__isnull=False)
    # In the order of their keys, so that two transactions that lock the same grants do not deadlock.
    grants = UserGrant.objects.select_for_update(of=("self",)).filter(live).order_by("pk")
    for user_grant in [user_grant for user_grant in grants if OFFLINE not in user_grant.scope.split()]:
        user_grants.revoke(user_grant, ENDED, now=now)
