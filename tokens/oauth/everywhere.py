"""Log out everywhere: sessions, grants and tokens of a user, or all that a client holds, end in one step.

Rows are changed first, the user's before the grants, because whoever is about to issue something under a grant holds
it; a grant that is given meanwhile, in a session of before, is not one that stands (grant_record.require_live). The
instant before which tokens are revoked is read from the database's clock after that; a token is dated by when it was
asked for.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from tokens.conf import issuer
from tokens.keys import store
from tokens.models import Client, Consent, User, UserGrant
from tokens.oauth import grant_record, revocation_record


def log_out(user: User, reason: str) -> None:
    """End everything of the user so far; who logs in anew begins anew."""
    with transaction.atomic():
        now = store.database_now()
        User.objects.filter(pk=user.pk).update(logged_out_at=now)
        user.logged_out_at = now
        end_grants(Q(user=user), reason)
        revocation_record.revoke_users([str(user.sub)], now=store.database_now())


def withdraw_consents(user: User) -> None:
    """Forget what the user allowed: whoever comes next, and from wherever, has to be asked."""
    Consent.objects.filter(user=user).delete()


def shut_out(user: User, reason: str) -> None:
    """End everything of a user who may no longer log in: also what is being issued at this moment.

    Tokens of the next minute (δ) are revoked with it, should somebody let the user in again that soon.
    """
    with transaction.atomic():
        end_grants(Q(user=user), reason)
        revocation_record.revoke_users([str(user.sub)], now=store.database_now() + _in_flight())


def shut_down(client: Client, reason: str) -> None:
    """End everything that a client holds that may no longer be used, as `shut_out` does for a user."""
    with transaction.atomic():
        end_grants(Q(client=client), reason)
        revocation_record.revoke_client(client.client_id, now=store.database_now() + _in_flight())


def end_grants(whose: Q, reason: str) -> int:
    """Revoke these grants; the caller records in the same transaction that their tokens are. Return how many."""
    standing = whose & Q(revoked_at=None)
    grant_record.hold(standing)
    return UserGrant.objects.filter(standing).update(revoked_at=store.database_now(), revoke_reason=reason)


def _in_flight() -> timedelta:
    return issuer().key_policy.clock_error
