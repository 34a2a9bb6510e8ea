"""The versioned log of revocations: publishes entries under versions, and reads the changes since a version.

- From the commit of its transaction on, an entry waits without a version. A publication gives the waiting entries the
  next version.
- One publisher works at a time. It locks the head's row until its commit, so versions become visible in order, and no
  entry is added to a version that a reader can have seen.
- A version is a number and a random tag. A restored backup, or a failover that lost transactions, can reach the same
  number again, but with another tag.
- Publications never change. After SEGMENT entries, the publications since the last segment are sealed into a new one.
- An answer contains every entry after `since`, and earlier entries too if it names segments.
- The publication of the current version is never purged, because the next delta begins there.

    entry committed      waits
    publish              version 105.kT3…: the entry
    reader at 104.aZ9…   answer: the entries of 105.kT3…
    reader at 104.qqq…   answer: the full state, since the log has no version with that tag
"""

import base64
import hashlib
import logging
import secrets
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from tokens.issued.revocation_key import ENTRY, KEY, LAYOUT
from tokens.keys import store
from tokens.models import Publication, RevocationLog, Segment

logger = logging.getLogger(__name__)

SEGMENT = 16_384
"""The most entries in a segment, and in the part of an answer that is in no segment."""
BATCHES = 4
"""Batches that one request publishes before it answers."""
MANY_SEGMENTS = 128
"""Half of the segments that every reader can hold. From this number on, the issuer logs an error."""

# One row of the queue is read to learn if there is any: counting a long queue would take as long as reading it. The
# clock is read with it, because a poll that finds nothing needs none.
HEAD = """
SELECT version, tag, sealed, (SELECT {clock} FROM tokens_waitingentry ORDER BY id LIMIT 1)
FROM tokens_revocationlog WHERE id = 1"""
# Plain SQL: a delta may cost 5 ms of CPU (docs/revocation-feed.md section 8), and the ORM would take 0.6 ms of it.
LOCK = "SELECT version, tag, sealed, unsealed FROM tokens_revocationlog WHERE id = 1 {for_update}"
ADVANCE = "UPDATE tokens_revocationlog SET version = %s, tag = %s, sealed = %s, unsealed = %s WHERE id = 1"
APPEND = """
INSERT INTO tokens_publication (version, tag, at, count, until, body) VALUES (%s, %s, %s, %s, %s, %s)"""
TAKE = """
DELETE FROM tokens_waitingentry WHERE id IN (SELECT id FROM tokens_waitingentry ORDER BY id LIMIT %s) RETURNING entry"""
PUBLISHED = """
SELECT version, tag, count, until, body FROM tokens_publication WHERE version >= %s ORDER BY version"""
CHUNK = 1000
"""Rows fetched by one call, so that other threads run in between."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the log. Its text is `<number>.<tag>`."""

    number: int
    tag: str

    def __str__(self) -> str:
        return f"{self.number}.{self.tag}"


@dataclass(frozen=True, slots=True)
class Changes:
    """The entries of an answer up to `version`, and the segments that contain the other entries, as (digest, count)."""

    version: Version
    entries: bytes
    segments: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Head:
    """The state of the log."""

    version: Version
    sealed: int
    """The last version whose entries are in a segment."""
    waiting_at: datetime | None = None
    """The database's clock if entries wait for the next version. After a publication: if more can wait."""
    newest: "Newest | None" = field(default=None, compare=False)
    """The publication that made the version, if the caller published it."""

    @property
    def has_waiting(self) -> bool:
        """Return True if entries wait for the next version, or can wait after a publication."""
        return self.waiting_at is not None


@dataclass(frozen=True, slots=True)
class Newest:
    """A publication, and the version before it."""

    before: Version
    body: bytes


def head() -> Head:
    """Return the state of the log, by one statement. Creates the log if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(HEAD.format(clock=store.CLOCK[connection.vendor]))
        row = cursor.fetchone()
    if row is None:  # a database that was emptied by hand
        begin(now=store.database_now())
        return head()
    number, tag, sealed, at = row
    return Head(Version(number, tag), sealed, None if at is None else store.as_instant(at))


def begin(*, now: datetime) -> None:
    """Create the log at version 0, unless it exists."""
    with transaction.atomic():
        first = {"version": 0, "tag": new_tag(), "sealed": 0, "unsealed": 0}
        log, created = RevocationLog.objects.get_or_create(pk=1, defaults=first)
        if created:
            Publication.objects.update_or_create(
                version=0, defaults={"tag": log.tag, "at": now, "count": 0, "until": 0, "body": b""}
            )


def publish(*, now: datetime, batches: int = BATCHES) -> Head:
    """Publish waiting entries, at most `batches` full batches. Returns the new state of the log."""
    for _ in range(batches):
        published = _publish_batch(now=now)
        if not published.has_waiting:
            break
    return published


def publish_all(*, now: datetime) -> None:
    """Publish until no entry waits, for commands. Vacuums the queue if there were many entries."""
    were_many = False
    while publish(now=now).has_waiting:
        were_many = True
    if were_many:
        _vacuum()


def _vacuum() -> None:
    """Vacuum the queue table, to remove index entries of deleted rows (PostgreSQL only)."""
    # Until then, each poll walks through them: 10 ms for a million.
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return  # autovacuum does it within a minute or two
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM tokens_waitingentry")
    except DatabaseError as error:
        logger.warning(
            "The table tokens_waitingentry was not vacuumed, so polls of the feed are slower until autovacuum: %s",
            error,
        )


def changes_to(head: Head, since: Version | None, *, now: datetime) -> Changes | None:
    """Return the changes since a version, without a statement if the caller has just published all of them."""
    if head.newest and head.newest.before == since:
        return Changes(head.version, _merged([head.newest.body], now=now), ())
    return changes(since, now=now, sealed=head.sealed)


def changes(since: Version | None, *, now: datetime, sealed: int) -> Changes | None:
    """Return the live entries that were published after `since`, or all live entries if it is None.

    `sealed` is the head's. Returns None if the log does not know `since`.
    """
    # Up to SEGMENT entries are returned inline. If there are more, the older ones are named by their segments.
    number = since.number if since else 0
    in_segments = number < sealed and (since is None or (_is_known(since) and _count(number, now=now) > SEGMENT))
    after = sealed if in_segments else number
    version, bodies, first = _published(after, now=now)
    if since and not in_segments and first != since:  # purged, or of a database that went back in time
        return None
    entries = _merged(bodies, now=now)
    if not in_segments:
        return Changes(version, entries, ())
    # Read after the publications: a segment that was sealed in between only adds newer entries.
    segments = Segment.objects.filter(version__gt=number, until__gt=int(now.timestamp())).order_by("version")
    return Changes(version, entries, tuple(segments.values_list("digest", "count")))


def _is_known(version: Version) -> bool:
    """Return True if the log has this version with this tag."""
    return Publication.objects.filter(version=version.number, tag=version.tag).exists()


def _count(after: int, *, now: datetime) -> int:
    """Return the number of live entries that were published after a version."""
    live = Publication.objects.filter(version__gt=after, until__gt=int(now.timestamp()))
    return live.aggregate(count=Sum("count"))["count"] or 0


def new_tag() -> str:
    """Return a random tag: 8 bytes in base64url."""
    return _base64url(secrets.token_bytes(8))


def _publish_batch(*, now: datetime) -> Head:
    """Publish waiting entries under the next version, as many as fit into the segment. Returns the new head."""
    with transaction.atomic():
        # The row lock makes publishers wait for each other until the commit, so that versions commit in their order.
        version, sealed, unsealed = _lock(now=now)
        newest = None
        if must_seal := unsealed >= SEGMENT:
            _seal(version, after=sealed, now=now)
            sealed, unsealed = version.number, 0
        room = SEGMENT - unsealed
        entries = _take(room)
        if entries:
            newest, unsealed = Newest(version, _merged(entries)), unsealed + len(entries)
            version = Version(version.number + 1, new_tag())
            _append(version, newest.body, now=now)
        if entries or must_seal:
            _execute(ADVANCE, [version.number, version.tag, sealed, unsealed])
    return Head(version, sealed, now if len(entries) == room else None, newest)


def _lock(*, now: datetime) -> tuple[Version, int, int]:
    """Lock the head's row until the commit. Returns the version, the sealed version and the number of unsealed entries.

    Creates the log if there is none.
    """
    # SQLite locks the whole database at the beginning of a transaction.
    for_update = "FOR UPDATE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(LOCK.format(for_update=for_update))
        row = cursor.fetchone()
    if row is None:  # a database that was emptied by hand
        begin(now=now)
        return _lock(now=now)
    number, tag, sealed, unsealed = row
    return Version(number, tag), sealed, unsealed


def _append(version: Version, body: bytes, *, now: datetime) -> None:
    """Write the publication of a version."""
    at = connection.ops.adapt_datetimefield_value(now)
    _execute(APPEND, [version.number, version.tag, at, len(body) // ENTRY, _until(body), body])


def _execute(statement: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _take(most: int) -> list[bytes]:
    """Remove up to `most` waiting entries from the queue, the oldest first, and return them."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [most])
        return [bytes(entry) for (entry,) in _rows(cursor)]


def _seal(version: Version, *, after: int, now: datetime) -> None:
    """Pack the entries that were published after a version, up to `version`, into a new segment."""
    _, bodies, _ = _published(after, now=now)
    if body := _merged(bodies, now=now):
        digest = _base64url(hashlib.sha256(body).digest())
        fields = {"version": version.number, "count": len(body) // ENTRY, "until": _until(body), "body": body}
        Segment.objects.get_or_create(digest=digest, defaults=fields)
    if (number := Segment.objects.filter(until__gt=int(now.timestamp())).count()) >= MANY_SEGMENTS:
        logger.error(
            "The revocation feed has %d segments of %d entries. APIs can hold 256 segments. Replace many revocations"
            " by a single one: run manage.py revoke_tokens --all",
            number,
            SEGMENT,
        )


def _published(after: int, *, now: datetime) -> tuple[Version, list[bytes], Version | None]:
    """Return up to SEGMENT entries that were published after the version numbered `after`.

    Returns the last version, the bodies, and the version `after` with its tag, or None if the log no longer has it.
    """
    # One statement, so that the last version and the publications before it are of one state of the database.
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
    """Yield the rows of a result, fetched CHUNK at a time."""
    while rows := cursor.fetchmany(CHUNK):
        yield from rows


def _merged(parts: Iterable[bytes], *, now: datetime | None = None) -> bytes:
    """Return the latest entry of each key in all parts, sorted by key, without entries that ended by `now`."""
    ended = struct.pack(">I", int(now.timestamp()) if now else 0)
    entries = [part[start : start + ENTRY] for part in parts for start in range(0, len(part), ENTRY)]
    # The instants of a key only grow, so its latest entry sorts last.
    latest = {entry[:KEY]: entry for entry in sorted(entries) if entry[KEY : KEY + 4] > ended}
    return b"".join(latest.values())


def _until(body: bytes) -> int:
    """Return the Unix second at which the last entry of the body ends."""
    return max(int(until) for _, until, _ in struct.iter_unpack(LAYOUT, body))


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
