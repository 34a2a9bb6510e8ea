"""Log out everywhere: sessions, grants and tokens of a user, or all that a client holds, end in one step.

- Lock order: the user, then the grants, as token issuance does. A change of a client locks the client, then the
  registry, then its grants.
- Sessions and grants end by the user's session epoch, which is compared by equality (grant_record.create).
- Tokens end by an instant of the database's clock. A token's `iat` is when its request came, before any check. So a
  token whose checks ran before the change was committed is dated before the commit.
- The instant is read before the commit. If the commit takes until the next second, the instant is moved there.
- No token is issued that the revocation covers (grants/base.py): until the next second, the issuer answers 503.
"""

from datetime import datetime
from functools import partial
from typing import Protocol

from django.db import transaction
from django.db.models import Q

from tokens.issued import revocation_record, user_grant
from tokens.keys import store
from tokens.models import Client, Consent, User, UserGrant


class Revoke(Protocol):
    """Revokes all tokens that were issued to one user or client up to an instant."""

    def __call__(self, *, now: datetime) -> None:
        """Revoke all tokens issued up to `now` (the database's clock)."""


def log_out(user: User, reason: str) -> None:
    """End everything of the user so far; who logs in anew begins anew."""
    with transaction.atomic():
        user.end_sessions(now=store.database_now())
        end_grants(Q(user=user), reason)
        revoke_until_commit(partial(revocation_record.revoke_users, [str(user.sub)]))


def withdraw_consents(user: User) -> None:
    """Forget what the user allowed: whoever comes next, and from wherever, has to be asked."""
    Consent.objects.filter(user=user).delete()


def shut_out(user: User, reason: str) -> None:
    """End all sessions, grants and tokens of a user who may not log in any more, even those being issued now."""
    with transaction.atomic():
        end_grants(Q(user=user), reason)
        revoke_until_commit(partial(revocation_record.revoke_users, [str(user.sub)]))


def shut_down(client: Client, reason: str) -> None:
    """End everything that a client holds that may no longer be used, as `shut_out` does for a user."""
    with transaction.atomic():
        revocation_record.renew_registry()  # before the grants: the order of every change of a client
        end_grants(Q(client=client), reason)
        revoke_until_commit(partial(revocation_record.revoke_client, client.client_id))


def end_grants(whose: Q, reason: str) -> int:
    """Revoke these grants, and return how many. The caller must revoke their tokens in the same transaction."""
    standing = whose & Q(revoked_at=None)
    user_grant.hold(standing)
    return UserGrant.objects.filter(standing).update(revoked_at=store.database_now(), revoke_reason=reason)


def revoke_until_commit(revoke: Revoke) -> None:
    """Revoke all tokens issued so far, and those issued before the transaction at hand is committed.

    Until then other nodes do not see the change, and can issue what it is to end.
    """
    before = store.database_now()
    revoke(now=before)

    def again() -> None:
        if (after := store.database_now()).replace(microsecond=0) > before:
            revoke(now=after)

    transaction.on_commit(again, robust=True)
