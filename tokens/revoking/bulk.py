"""Revokes many tokens in one run, for the command `revoke_tokens` and the admin.

The target is the issuer (all tokens), a client, a user, a client together with a user, a grant, or a single token.

- One revocation record covers all access tokens of the issuer, of a client, of a user, or of a client for a user.
- The user grants of the target are revoked too, because refresh tokens would give new access tokens. But if the target
  is a single token, its grant remains.
- If the target is a user or the issuer, sessions end, too.
- If the target is the issuer, each transaction changes at most BATCH rows. The record is written first, so that all
  access tokens are revoked immediately. The record is written again at the end, because tokens were issued in between.
- A run that was interrupted can be repeated.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from tokens import conf, registry_lock
from tokens.audit import trail
from tokens.back_channel import session_end
from tokens.issued import revocation_record
from tokens.issued import user_grant as user_grants
from tokens.keys import store
from tokens.models import Client, User, UserGrant
from tokens.revoking import everywhere, feed_publisher

BATCH = 1000
"""The most users or grants that one transaction changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkTarget:
    """The tokens to revoke. Exactly one field is set, or `user` and `client` together."""

    everything: bool = False
    user: User | None = None
    client: Client | None = None
    user_grant: UserGrant | None = None
    token_id: str = ""

    def grants(self) -> Q:
        """Return a query condition for the user grants that are revoked together with the tokens."""
        if self.everything:
            return Q()
        if self.user_grant:
            return Q(pk=self.user_grant.pk)
        if self.token_id:
            return Q(pk__in=[])  # a single access token is revoked without its grant
        return Q(**{name: value for name, value in (("user", self.user), ("client", self.client)) if value})

    @property
    def subject(self) -> str:
        """Return the target's name in the audit trail, such as `client:webapp`.

        If `user` and `client` are set, the name is the client's.
        """
        if self.everything:
            return f"issuer:{conf.issuer().url}"
        if self.user_grant:
            return f"grant:{self.user_grant.pk}"
        if self.client:
            return f"client:{self.client.client_id}"
        return f"user:{self.user.get_username()}" if self.user else f"token:{self.token_id}"


def preview(target: BulkTarget) -> dict[str, int]:
    """Count the user grants that `revoke` would revoke, and the users that it would log out.

    Returns a dict with the two numbers, `grants` and `users`.
    """
    grants = UserGrant.objects.filter(target.grants(), revoked_at=None).count()
    return {"grants": grants, "users": _users(target)}


def revoke(target: BulkTarget, *, reason: str, actor: str) -> dict[str, int]:
    """Revoke the tokens of the target, record an event, and publish the revocations.

    Returns a dict. `grants` is the number of revoked grants, `users` the number of users who were logged out.
    """
    counts = {"grants": 0, "users": 0}
    if target.everything:
        _begin(target, reason, actor)
        counts["users"] = sum(_end_sessions(chunk) for chunk in _chunks(User.objects.order_by("pk")))
        # Later grants are of later logins. Their ids are higher, so without this bound the loop might never reach the
        # last one.
        earlier = UserGrant.objects.filter(revoked_at=None, created_at__lte=store.database_now())
        counts["grants"] = sum(_end_grants(chunk, reason) for chunk in _chunks(earlier))
    else:
        counts = preview(target)
    with transaction.atomic():
        _finish(target, reason)
        now = store.database_now()
        details: dict[str, Any] = {"reason": reason, **counts}
        if target.user and target.client:
            details["user"] = target.user.get_username()
        trail.record("tokens.revoked", actor=actor, subject=target.subject, details=details, now=now)
    feed_publisher.publish_all(now=now)
    return counts


def revoke_clients(clients: Sequence[Client], *, reason: str, actor: str) -> None:
    """Revoke the tokens and user grants of these clients in one transaction, and publish the revocations.

    Records one event per client. Raises RegistryLocked if another transaction holds a lock for too long.
    """
    ordered = sorted(clients, key=lambda client: client.pk)
    with registry_lock.change():
        live = UserGrant.objects.filter(client__in=ordered, revoked_at=None).order_by()
        grants = dict(live.values_list("client").annotate(Count("pk")))
        revocation_record.renew_registry()  # locks the registry before the grants (lock order)
        everywhere.revoke_matching(Q(client__in=ordered), reason)
        client_ids = [client.client_id for client in ordered]
        everywhere.revoke_until_commit(partial(revocation_record.revoke_clients, client_ids))
        now = store.database_now()
        for client in ordered:
            details = {"reason": reason, "grants": grants.get(client.pk, 0), "users": 0}
            subject = BulkTarget(client=client).subject
            trail.record("tokens.revoked", actor=actor, subject=subject, details=details, now=now)
    feed_publisher.publish_all(now=now)


def _begin(target: BulkTarget, reason: str, actor: str) -> None:
    """Revoke all access tokens that the issuer has issued so far, before `revoke` revokes the grants.

    Also records in the audit trail that the revocation has begun. The target must be the issuer.
    """
    with transaction.atomic():
        now = store.database_now()
        revocation_record.revoke_everything(now=now)
        details = {"reason": reason}
        trail.record("tokens.revocation_begun", actor=actor, subject=target.subject, details=details, now=now)


def end_sessions_and_tokens_in_batches(
    users: Iterable[User], reason: str, *, also: Callable[[Sequence[User]], None] | None = None
) -> int:
    """End all sessions, grants and tokens of these users, in batches of BATCH users. Returns the number of users.

    Each batch has a transaction of its own, unless the caller has opened a transaction. `also` is called with the users
    of each batch, in the same transaction, after the users' rows are locked.
    """
    ordered = sorted(users, key=lambda user: user.pk)  # the order in which every transaction locks users
    for start in range(0, len(ordered), BATCH):
        batch = ordered[start : start + BATCH]
        keys = [user.pk for user in batch]
        with transaction.atomic():
            _end_sessions(keys)
            everywhere.revoke_matching(Q(user__in=keys), reason)
            subjects = User.objects.filter(pk__in=keys).values_list("sub", flat=True)
            everywhere.revoke_until_commit(partial(revocation_record.revoke_users, [str(sub) for sub in subjects]))
            if also:
                also(batch)
    return len(ordered)


def _finish(target: BulkTarget, reason: str) -> None:
    """Revoke the grants of the target, and write the target's revocation record.

    The caller must open a transaction. If the target is the issuer, `revoke` has revoked the grants already.
    """
    # Grants first: the instant of the record must be later than every token that was issued under the grants.
    now = store.database_now()
    if target.everything:
        everywhere.revoke_until_commit(revocation_record.revoke_everything)
    elif target.user_grant:
        user_grants.revoke(target.user_grant, reason, now=now)
    elif target.token_id:
        revocation_record.revoke_token(target.token_id, expires_at=now + revocation_record.acceptance_after_issue())
    elif target.client is None and target.user:
        everywhere.end_sessions_and_tokens(target.user, reason)
    elif target.client:
        if not target.user:
            revocation_record.renew_registry()  # locks the registry before the grants (lock order)
        everywhere.revoke_matching(target.grants(), reason)
        client_id = target.client.client_id
        if target.user:
            revoke_both = partial(revocation_record.revoke_client_user, client_id, str(target.user.sub))
            everywhere.revoke_until_commit(revoke_both)
        else:
            everywhere.revoke_until_commit(partial(revocation_record.revoke_client, client_id))


def _users(target: BulkTarget) -> int:
    """Return the number of users that `revoke` logs out."""
    if target.everything:
        return User.objects.count()
    return int(target.user is not None and target.client is None)


def _chunks(rows: Any) -> Iterator[list[Any]]:
    """Yield the primary keys of the rows, BATCH at a time.

    Each batch is read by one query, which starts after the last primary key of the batch before.
    """
    last: Any = None
    while True:
        later = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        chunk = list(later.values_list("pk", flat=True)[:BATCH])
        if not chunk:
            return
        yield chunk
        last = chunk[-1]


def _end_sessions(users: list[Any]) -> int:
    """End all sessions of the users with these primary keys, in one transaction. Returns the number of users."""
    with transaction.atomic():
        # The keys are not locked, because no key changes: transactions that refer to the users can commit.
        list(User.objects.select_for_update(no_key=True).filter(pk__in=users).order_by("pk").values_list("pk"))
        now = store.database_now()
        session_end.queue_logouts(users, now=now)
        # All users can get the same random epoch, which is only compared with earlier epochs of the same user.
        return User.objects.filter(pk__in=users).update(logged_out_at=now, session_epoch=uuid.uuid4())


def _end_grants(grants: list[Any], reason: str) -> int:
    """Revoke the user grants with these primary keys, in one transaction. Returns the number of grants."""
    with transaction.atomic():
        return everywhere.revoke_matching(Q(pk__in=grants), reason)
