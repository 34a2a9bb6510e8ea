"""Reads the versioned log of revocations: its state, and the changes since a version.

- After the commit of its transaction, an entry waits without a version until it is published (`feed_publisher`).
- A version is a number and a random tag. After a restore, or a failover that lost transactions, the log can reach the
  same number again, but with another tag.
- A publication has the entries of one version, and never changes. After SEGMENT entries, the publications since the
  last segment are sealed: their entries are packed into a new segment, which readers fetch by its digest.
- A reader sends the last version that it has (`since`). The answer contains every later entry, or names a segment that
  contains the entry. Such a segment can also contain earlier entries.
- The publication of the current version is never purged, because readers that have this version send it as `since`.

    entry committed      waits
    publish              version 105.kT3…: the entry
    reader at 104.aZ9…   answer: the entries of 105.kT3…
    reader at 104.qqq…   answer: the full state, since the log has no version with that tag
"""

import base64
import logging
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from tokens.keys import store
from tokens.models import Publication, RevocationLog, Segment
from tokens.revoking import feed_entries

logger = logging.getLogger(__name__)

SEGMENT = 16_384
"""The most entries in a segment, and in the part of an answer that is in no segment."""

# One row of the queue is read to learn if entries wait, because counting a long queue would take as long as reading it.
# The same statement reads the clock, which is needed only if entries wait.
HEAD = """
SELECT version, tag, sealed, (SELECT {clock} FROM tokens_waitingentry ORDER BY id LIMIT 1)
FROM tokens_revocationlog WHERE id = 1"""
PUBLISHED = """
SELECT version, tag, count, until, body FROM tokens_publication WHERE version >= %s ORDER BY version"""
CHUNK = 1000
"""The most rows that one call fetches, so that other threads can run in between."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the revocation log: its number, and a random tag. As text, it is `<number>.<tag>`."""

    number: int
    tag: str

    def __str__(self) -> str:
        return f"{self.number}.{self.tag}"


@dataclass(frozen=True, slots=True)
class Changes:
    """The answer to a reader: the entries that the reader lacks, up to `version`.

    `entries` has the newest of these entries, packed. Older entries are in the segments that `segments` names, each by
    its digest and its number of entries. If `segments` is empty, `entries` is complete.
    """

    version: Version
    entries: bytes
    segments: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Head:
    """The current version of the log, and whether entries wait for the next version."""

    version: Version
    sealed: int
    """The last version whose entries are in a segment."""
    waiting_at: datetime | None = None
    """The database's clock if entries wait for the next version, or if more can wait after a publication. Else None."""
    newest: "Newest | None" = field(default=None, compare=False)
    """The publication that made the version, if this process has just published it."""

    @property
    def has_waiting(self) -> bool:
        """Return True if entries wait for the next version, or might wait.

        More entries might wait if the last publication took as many entries as it could hold.
        """
        return self.waiting_at is not None


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest publication of the log: its packed entries (`body`), and the version `before` it."""

    before: Version
    body: bytes


@dataclass(frozen=True, slots=True)
class LogSize:
    """The number of the current version, and the number of published entries (in publications and segments)."""

    version: int
    entries: int


def head() -> Head:
    """Return the state of the log, read by one SQL statement. Creates the log if there is none."""
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


def size() -> LogSize:
    """Return the number of the current version and the number of published entries. Both are 0 if there is no log."""
    version, unsealed = RevocationLog.objects.values_list("version", "unsealed").first() or (0, 0)
    sealed = Segment.objects.aggregate(entries=Sum("count"))["entries"] or 0
    return LogSize(version, unsealed + sealed)


def changes_to(head: Head, since: Version | None, *, now: datetime) -> Changes | None:
    """Return the entries that were published after `since`, or all entries if `since` is None.

    Leaves out expired entries. `head` is the current state of the log. Runs no query if `head.newest` has all of the
    changes. Returns None if the log does not have `since`.
    """
    if head.newest and head.newest.before == since:
        return Changes(head.version, feed_entries.merged([head.newest.body], now=now), ())
    return changes(since, now=now, sealed=head.sealed)


def changes(since: Version | None, *, now: datetime, sealed: int) -> Changes | None:
    """Return the entries that were published after `since`, or all entries if `since` is None.

    Leaves out expired entries. `sealed` is the number of the last version whose entries are in a segment. Returns None
    if the log does not have `since`.
    """
    # Up to SEGMENT entries are returned inline. If there are more, the answer names the segments with the older ones.
    number = since.number if since else 0
    in_segments = number < sealed and (since is None or (_is_known(since) and _count(number, now=now) > SEGMENT))
    after = sealed if in_segments else number
    version, bodies, first = published(after, now=now)
    if since and not in_segments and first != since:  # `since` was purged, or the database went back in time
        return None
    entries = feed_entries.merged(bodies, now=now)
    if not in_segments:
        return Changes(version, entries, ())
    # Segments are read after the publications. A segment that was sealed in between only adds newer entries.
    segments = Segment.objects.filter(version__gt=number, until__gt=int(now.timestamp())).order_by("version")
    return Changes(version, entries, tuple(segments.values_list("digest", "count")))


def _is_known(version: Version) -> bool:
    """Return True if the log still has a version with this number and this tag."""
    return Publication.objects.filter(version=version.number, tag=version.tag).exists()


def _count(after: int, *, now: datetime) -> int:
    """Return the number of entries in the publications after the version number `after`. Skips expired publications."""
    live = Publication.objects.filter(version__gt=after, until__gt=int(now.timestamp()))
    return live.aggregate(count=Sum("count"))["count"] or 0


def new_tag() -> str:
    """Return a random tag: 8 bytes in base64url."""
    return base64url(secrets.token_bytes(8))


def published(after: int, *, now: datetime) -> tuple[Version, list[bytes], Version | None]:
    """Read the publications after the version with the number `after`, oldest first.

    Skips expired publications. Stops before the total number of entries exceeds SEGMENT.

    Returns three values: the last version that the result covers, the packed entries of each publication, and the
    version with the number `after`. The third value is None if the log does not have that version any more.
    """
    # One statement, so that all publications are read from the same state of the database.
    total, bodies, version, first = 0, [], Version(after, ""), None
    with connection.cursor() as cursor:
        cursor.execute(PUBLISHED, [after])
        for number, tag, count, until, body in rows(cursor):
            live = number > after and until > now.timestamp()
            if live and total + count > SEGMENT:
                break
            version = Version(number, tag)
            first = version if number == after else first
            if live:
                bodies.append(bytes(body))
                total += count
    return version, bodies, first


def rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the cursor's result, fetched CHUNK at a time."""
    while rows := cursor.fetchmany(CHUNK):
        yield from rows


def base64url(octets: bytes) -> str:
    """Return the octets in base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
