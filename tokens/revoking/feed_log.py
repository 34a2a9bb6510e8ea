"""The versioned log of revocations: gives them versions, and packs the changes since a version.

- An entry waits, without a version, from its transaction's commit on. A publication gives waiting entries the next
  version. One publisher works at a time, holding the head's row lock until its commit, so versions become visible in
  their order, and no entry becomes visible under a version that a reader may have seen.
- A version is a number and a random tag. Two databases that both have a version 105, because one was restored or lost
  transactions at a failover, differ in the tag.
- Publications never change. When SEGMENT entries have been published, they are sealed into one row for every reader.
- An answer holds every entry after `since`, and some from before if it names segments. The publication of the current
  version is never purged: the next delta begins there.
"""

import base64
import hashlib
import logging
import secrets
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from tokens.issued.revocation_key import ENTRY, KEY, LAYOUT
from tokens.keys import store
from tokens.models import Publication, RevocationLog, Segment

logger = logging.getLogger(__name__)

SEGMENT = 16_384
"""Entries in a segment, and in the part of an answer that is in no segment yet."""
BATCHES = 4
"""How many batches one request publishes before it answers."""
MANY_SEGMENTS = 128
"""Half of what every reader can hold. From then on, the issuer logs an error."""

HEAD = """
SELECT version, tag, sealed, (SELECT id FROM tokens_waitingentry ORDER BY id LIMIT 1) IS NOT NULL
FROM tokens_revocationlog WHERE id = 1"""
TAKE = """
DELETE FROM tokens_waitingentry WHERE id IN (SELECT id FROM tokens_waitingentry ORDER BY id LIMIT %s) RETURNING entry"""
PUBLISHED = """
SELECT version, tag, count, until, body FROM tokens_publication WHERE version >= %s ORDER BY version"""
AT_ONCE = 1000
"""Rows fetched by one call: other threads run in between."""


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the log."""

    number: int
    tag: str

    def __str__(self) -> str:
        return f"{self.number}.{self.tag}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What was published up to `version`: entries, and segments with more as (digest, count)."""

    version: Version
    entries: bytes
    segments: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Head:
    """The state of the log."""

    version: Version
    sealed: int
    """The last version whose entries are in a segment."""
    waits: bool
    """Whether entries wait for the next version."""


def head() -> Head:
    """Return the state of the log, by one statement."""
    with connection.cursor() as cursor:
        cursor.execute(HEAD)
        row = cursor.fetchone()
    if row is None:
        begin(now=store.database_now())
        return head()
    number, tag, sealed, waits = row
    return Head(Version(number, tag), sealed, bool(waits))


def begin(*, now: datetime) -> None:
    """Begin a log that has no head, as in a database that was emptied: at version 0."""
    with transaction.atomic():
        first = {"version": 0, "tag": new_tag(), "sealed": 0, "unsealed": 0}
        log, created = RevocationLog.objects.get_or_create(pk=1, defaults=first)
        if created:
            Publication.objects.update_or_create(
                version=0, defaults={"tag": log.tag, "at": now, "count": 0, "until": 0, "body": b""}
            )


def publish(*, now: datetime, batches: int = BATCHES) -> bool:
    """Publish waiting revocations. Returns True if `batches` full batches were not enough."""
    return all(_publish_batch(now=now) for _ in range(batches))


def publish_all(*, now: datetime) -> None:
    """Publish until none waits, for commands. Vacuums the queue if there were many."""
    were_many = False
    while publish(now=now):
        were_many = True
    if were_many:
        _vacuum()


def _vacuum() -> None:
    """Remove the index entries of what was taken: until then, each poll walks through them (10 ms for a million)."""
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return  # autovacuum does it within a minute or two
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM tokens_waitingentry")
    except DatabaseError as error:
        logger.warning("tokens_waitingentry was not vacuumed: %s", error)


def changes(since: Version | None, *, now: datetime, sealed: int) -> Changes | None:
    """Return the live entries that were published after `since`, or every live one; `sealed` is the head's.

    Few are returned inline; of more, the older ones are in segments. Returns None if the log does not know `since`.
    """
    number = since.number if since else 0
    in_segments = number < sealed and (since is None or (_is_known(since) and _count(number, now=now) > SEGMENT))
    after = sealed if in_segments else number
    version, bodies, first = _published(after, now=now)
    if since and not in_segments and first != since:
        return None
    entries = _merged(bodies, now=now)
    if not in_segments:
        return Changes(version, entries, ())
    # Read after the publications: a segment that was sealed in between only adds newer entries.
    segments = Segment.objects.filter(version__gt=number, until__gt=int(now.timestamp())).order_by("version")
    return Changes(version, entries, tuple(segments.values_list("digest", "count")))


def _is_known(version: Version) -> bool:
    return Publication.objects.filter(version=version.number, tag=version.tag).exists()


def _count(after: int, *, now: datetime) -> int:
    """Return how many live entries were published after a version."""
    live = Publication.objects.filter(version__gt=after, until__gt=int(now.timestamp()))
    return live.aggregate(count=Sum("count"))["count"] or 0


def new_tag() -> str:
    """Return a random tag: 8 bytes in base64url."""
    return _base64url(secrets.token_bytes(8))


def _publish_batch(*, now: datetime) -> bool:
    """Publish as many waiting entries under the next version as fit into a segment. Returns True if it is full then."""
    with transaction.atomic():
        log = RevocationLog.objects.select_for_update().get(pk=1)
        if log.unsealed >= SEGMENT:
            _seal(log, now=now)
        room = SEGMENT - log.unsealed
        entries = _take(room)
        if entries:
            log.version, log.tag, log.unsealed = log.version + 1, new_tag(), log.unsealed + len(entries)
            body = _merged(entries)
            fields = {"count": len(body) // ENTRY, "until": _until(body), "body": body}
            Publication.objects.create(version=log.version, tag=log.tag, at=now, **fields)
        log.save()
    return len(entries) == room


def _take(most: int) -> list[bytes]:
    """Take up to so many of the entries that wait, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [most])
        return [bytes(entry) for (entry,) in _rows(cursor)]


def _seal(log: RevocationLog, *, now: datetime) -> None:
    """Pack what was published since the last segment into a new one."""
    _, bodies, _ = _published(log.sealed, now=now)
    if body := _merged(bodies, now=now):
        digest = _base64url(hashlib.sha256(body).digest())
        fields = {"version": log.version, "count": len(body) // ENTRY, "until": _until(body), "body": body}
        Segment.objects.get_or_create(digest=digest, defaults=fields)
    log.sealed, log.unsealed = log.version, 0
    if (number := Segment.objects.filter(until__gt=int(now.timestamp())).count()) >= MANY_SEGMENTS:
        logger.error(
            "The revocation feed has %d segments of %d entries: APIs hold 256. End more at once (revoke_tokens --all)",
            number,
            SEGMENT,
        )


def _published(after: int, *, now: datetime) -> tuple[Version, list[bytes], Version | None]:
    """Return what was published after a version, up to SEGMENT entries: the last version, and the bodies.

    Also returns that first version with its tag, or None if the log does not have it any more.
    """
    # One statement, so that the current version and the publications before it are of one state of the database.
    total, bodies, version, first = 0, [], Version(after, ""), None
    with connection.cursor() as cursor:
        cursor.execute(PUBLISHED, [after])
        for number, tag, count, until, body in _rows(cursor):
            live = number > after and until > now.timestamp()
            if live and total + count > SEGMENT:
                break
            version = Version(number, tag)
            first = version if number == after else first
            if live:
                bodies.append(bytes(body))
                total += count
    return version, bodies, first


def _rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a result, fetched in chunks."""
    while rows := cursor.fetchmany(AT_ONCE):
        yield from rows


def _merged(parts: Iterable[bytes], *, now: datetime | None = None) -> bytes:
    """Return the live entries of all parts in ascending order of their keys, the latest of each key."""
    ended = struct.pack(">I", int(now.timestamp()) if now else 0)
    entries = [part[start : start + ENTRY] for part in parts for start in range(0, len(part), ENTRY)]
    # Instants of one key only grow, so the latest entry is the greatest.
    latest = {entry[:KEY]: entry for entry in sorted(entries) if entry[KEY : KEY + 4] > ended}
    return b"".join(latest.values())


def _until(body: bytes) -> int:
    return max(int(until) for _, until, _ in struct.iter_unpack(LAYOUT, body))


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
