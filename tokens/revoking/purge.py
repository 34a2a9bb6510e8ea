"""Deletes rows that no request needs any more, in short transactions.

- Rows are deleted in the order of an indexed column such as `expires_at`.
- A row is deleted only if no node needs it, not even a node whose clock is slow.
- The row of a redeemed code or a refresh token is needed to detect reuse. So the row stays until every token that was
  issued for the code or refresh token has expired.
- After a slow transaction, the next one deletes fewer rows, so that no request waits long for a lock.
- Several runs can work at once, and a run that was interrupted can be repeated.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Model, QuerySet

from tokens import conf, registry_lock
from tokens.account import browser_session
from tokens.audit import retention
from tokens.issued import revocation_record
from tokens.models import (
    AuthorizationCode,
    DeviceCode,
    EndedSession,
    InitialAccessToken,
    LogoutMessage,
    Publication,
    PushedRequest,
    RefreshToken,
    Revocation,
    RevocationLog,
    Segment,
    SessionClient,
    UsedAssertion,
    UsedProof,
    UserGrant,
)
from tokens.open_clients import idle_client
from tokens.revoking.row_deletion import BatchSize, ExpiredRows

DELIVERED_FOR = timedelta(days=7)
"""The time for which the row of a delivered logout message is kept for operators."""
DEAD_FOR = timedelta(days=90)
"""The time for which a logout message that was given up is kept, so that it can be sent again."""
REMEMBERED_FOR = timedelta(days=90)
"""The time after a client's last code in a session for which the client gets a logout message if the session ends."""
ENDED_FOR = timedelta(days=1)
"""The time for which an ended session is kept. No request that began in the session takes longer."""
BATCH = 1000
"""The most rows that one transaction deletes."""
AUDIT = "audit events"
CLIENTS = "self-registered clients"
CLIENTS_BATCH = 20
"""The most clients that one transaction deletes. Other changes of the registry wait, and each takes 20 statements."""

Ended = Callable[[datetime], "QuerySet[Model]"]


def _grants(now: datetime) -> "QuerySet[UserGrant]":
    """Return the grants whose `ends_at` is so long ago that every token under the grant has expired."""
    return UserGrant.objects.filter(ends_at__lt=now - revocation_record.acceptance_after_issue()).order_by("ends_at")


def _refresh_tokens(now: datetime) -> "QuerySet[RefreshToken]":
    """Return the refresh tokens that expired so long ago that their access tokens have expired, too."""
    # Until then, the row is needed to find the family of a reused token. The row of the successor identifies the family
    # as well, so a used token can be deleted before its successor.
    return RefreshToken.objects.filter(expires_at__lt=now - revocation_record.acceptance_after_issue()).order_by(
        "expires_at"
    )


def _unredeemed(codes: type[AuthorizationCode] | type[DeviceCode], now: datetime) -> "QuerySet[Any]":
    """Return the expired codes that were never redeemed."""
    # A redeemed code is deleted with its grant. Until then, its row is needed to detect reuse.
    return codes.objects.filter(expires_at__lt=now, redeemed_at=None).order_by("expires_at")


def _versions(now: datetime) -> "QuerySet[Publication]":
    """Return the publications whose entries have expired.

    Excludes the current publication, and recent ones that a reader might name in `since`.
    """
    # Readers of the feed name recent versions in `since`, so the log must still have them.
    current = RevocationLog.objects.values_list("version", flat=True).first()
    old = Publication.objects.filter(
        at__lt=now - revocation_record.acceptance_after_issue(), until__lt=int(now.timestamp())
    )
    return old.exclude(version=current or 0).order_by("at")


TABLES: Mapping[str, Ended] = {
    "authorization codes": lambda now: _unredeemed(AuthorizationCode, now),
    "device codes": lambda now: _unredeemed(DeviceCode, now),
    "refresh tokens": _refresh_tokens,
    "grants": _grants,
    "pushed requests": lambda now: PushedRequest.objects.filter(expires_at__lt=now).order_by("expires_at"),
    "used assertions": lambda now: UsedAssertion.objects.filter(expires_at__lt=now).order_by("expires_at"),
    "used proofs": lambda now: UsedProof.objects.filter(expires_at__lt=now).order_by("expires_at"),
    "revocations": lambda now: Revocation.objects.filter(until__lt=int(now.timestamp())).order_by("until"),
    "revocation segments": lambda now: Segment.objects.filter(until__lt=int(now.timestamp())).order_by("until"),
    "revocation versions": _versions,
    "initial access tokens": lambda now: InitialAccessToken.objects.filter(expires_at__lt=now).order_by("expires_at"),
    CLIENTS: idle_client.ended,
    "clients of sessions": lambda now: SessionClient.objects.filter(last_at__lt=now - REMEMBERED_FOR).order_by(
        "last_at"
    ),
    "ended sessions": lambda now: EndedSession.objects.filter(at__lt=now - ENDED_FOR).order_by("at"),
    "delivered logouts": lambda now: LogoutMessage.objects.filter(delivered_at__lt=now - DELIVERED_FOR).order_by(
        "delivered_at"
    ),
    "dead logouts": lambda now: LogoutMessage.objects.filter(dead_at__lt=now - DEAD_FOR).order_by("dead_at"),
    AUDIT: retention.ended,
    "sessions": lambda now: Session.objects.filter(expire_date__lt=now).order_by("expire_date"),
    # One hour, because a session whose key changes has no row of its own for a moment.
    "session records": lambda now: browser_session.ended(before=now - timedelta(hours=1)),
}


def count(table: str, *, now: datetime) -> int:
    """Return how many rows of `table` can be deleted now. `now` is the database's clock."""
    return _ended(table, now=now).count()


def purge(table: str, *, now: datetime, batch: int = BATCH) -> Iterator[int]:
    """Delete the rows of `table` that no request needs any more, up to `batch` in one transaction.

    Yields the number of deleted rows after each transaction.
    """
    total, size = 0, BatchSize(most=min(batch, CLIENTS_BATCH) if table == CLIENTS else batch)
    rows = ExpiredRows(_ended(table, now=now))
    while True:
        began = time.monotonic()
        with transaction.atomic():
            if table == CLIENTS:  # before any row is locked, as every change of the registry (tokens/registry_lock.py)
                registry_lock.lock()
            deleted = rows.delete(most=size.rows)
        if not deleted:
            break
        total += deleted
        size = size.after(time.monotonic() - began)
        yield deleted
    if table == AUDIT:
        retention.record_purge(total, now=now)


def _ended(table: str, *, now: datetime) -> "QuerySet[Model]":
    """Return the rows of `table` that can be deleted even if the clock of a node is slow.

    `table` is a key of TABLES. `now` is the database's clock.
    """
    # A node with a slow clock would accept a used assertion again if its row were deleted by a fast clock.
    return TABLES[table](now - 2 * conf.issuer().key_policy.clock_error)
