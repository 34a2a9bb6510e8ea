"""Removes what has ended: rows that no request can need any more, in bounded batches on an index."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Model, QuerySet

from tokens import conf
from tokens.issued import revocation_record
from tokens.models import (
    AuthorizationCode,
    DeviceCode,
    Publication,
    RefreshToken,
    Revocation,
    RevocationLog,
    Segment,
    UsedAssertion,
    UserGrant,
)

BATCH = 1000

Ended = Callable[[datetime], "QuerySet[Model]"]


def _grants(now: datetime) -> "QuerySet[UserGrant]":
    """Grants of which every token has died, however long a key may have let it live."""
    return UserGrant.objects.filter(ends_at__lt=now - revocation_record.lasting()).order_by("ends_at")


def _refresh_tokens(now: datetime) -> "QuerySet[RefreshToken]":
    """Refresh tokens that nobody can trade, once no token lives that they gave: until then, their row tells the family.

    One that was spent may go before its successor: the successor's row tells the same.
    """
    return RefreshToken.objects.filter(expires_at__lt=now - revocation_record.lasting()).order_by("expires_at")


def _unredeemed(codes: type[AuthorizationCode] | type[DeviceCode], now: datetime) -> "QuerySet[Any]":
    """Codes that gave nothing; one that was redeemed goes with its grant: until then, it ends that if it comes back."""
    return codes.objects.filter(expires_at__lt=now, redeemed_at=None).order_by("expires_at")


def _versions(now: datetime) -> "QuerySet[Publication]":
    """Return the publications that have ended, except the recent and the current ones, which readers name."""
    current = RevocationLog.objects.values_list("version", flat=True).first()
    old = Publication.objects.filter(at__lt=now - revocation_record.lasting(), until__lt=int(now.timestamp()))
    return old.exclude(version=current or 0).order_by("at")


TABLES: Mapping[str, Ended] = {
    "authorization codes": lambda now: _unredeemed(AuthorizationCode, now),
    "device codes": lambda now: _unredeemed(DeviceCode, now),
    "refresh tokens": _refresh_tokens,
    "grants": _grants,
    "used assertions": lambda now: UsedAssertion.objects.filter(expires_at__lt=now).order_by("expires_at"),
    "revocations": lambda now: Revocation.objects.filter(until__lt=int(now.timestamp())).order_by("until"),
    "revocation segments": lambda now: Segment.objects.filter(until__lt=int(now.timestamp())).order_by("until"),
    "revocation versions": _versions,
    "sessions": lambda now: Session.objects.filter(expire_date__lt=now).order_by("expire_date"),
}


def count(table: str, *, now: datetime) -> int:
    """How many rows of `table` have ended by `now`, the database's clock."""
    return _ended(table, now=now).count()


def purge(table: str, *, now: datetime, batch: int = BATCH) -> Iterator[int]:
    """Remove the ended rows of `table`, at most `batch` in a transaction; yields how many each one removed.

    Two at once share the work: on PostgreSQL each passes over the rows that the other holds. What was removed stays
    removed when a run is cut short, and the next one goes on from there.
    """
    while keys := _batch(table, now=now, size=batch):
        yield keys


def _batch(table: str, *, now: datetime, size: int) -> int:
    with transaction.atomic():
        ended = _ended(table, now=now)
        if connection.features.has_select_for_update_skip_locked:
            ended = ended.select_for_update(skip_locked=True)
        keys = list(ended.values_list("pk", flat=True)[:size])
        ended.model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001 (Django's documented name)
    return len(keys)


def _ended(table: str, *, now: datetime) -> "QuerySet[Model]":
    """What has ended by the slowest clock too: a node that is behind would take a forgotten assertion for a new one."""
    return TABLES[table](now - 2 * conf.issuer().key_policy.clock_error)
