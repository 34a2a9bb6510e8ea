"""The versioned log of revocations: gives them versions that readers can trust, and packs what changed since one.

- A revocation waits, without a version, from its transaction's commit on. A publication gives every one of a batch the
  next version. One publisher works at a time, holding the head's row lock until its commit, so versions become visible
  in their order, and no entry becomes visible under a version that a reader may have seen.
- A version is a number and a random tag. Two databases that both have a version 105, because one was restored or lost
  transactions at a failover, do not take each other's for their own.
- Whenever SEGMENT revocations have been published, their entries are sealed into one row, for every process and reader.
- A revocation that is recorded again keeps its version while it waits: what was published stays in every answer.
- Answers may hold entries that are newer than their version; readers get them again, and merging is idempotent.
"""

import base64
import hashlib
import logging
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from tokens.keys import store
from tokens.models import Publication, RevocationLog, Segment
from tokens.oauth.revocation_key import ENTRY, LAYOUT

logger = logging.getLogger(__name__)

SEGMENT = 16_384
"""Entries in a segment, and in the part of an answer that is in no segment yet."""
BATCHES = 4
"""How many batches one request publishes before it answers with what there is."""
MANY_SEGMENTS = 128
"""Half of what every reader can hold: from then on the log is an error in the issuer's own log."""

HEAD = """
SELECT version, tag, EXISTS (SELECT 1 FROM tokens_revocation WHERE waits) FROM tokens_revocationlog WHERE id = 1"""

# The head and the entries in one statement, which sees one state of the database: had the head been read before, a row
# that was recorded and published again in between would be in neither.
PACKED = {
    "postgresql": """
SELECT head.version, head.tag, head.sealed, packed.entries FROM tokens_revocationlog head LEFT JOIN LATERAL (
    SELECT string_agg(
        uuid_send("key") || substring(int8send(until) FROM 5) || substring(int8send(issued_before) FROM 5),
        ''::bytea ORDER BY "key"
    ) AS entries
    FROM tokens_revocation WHERE version > GREATEST(%(after)s, head.sealed) AND until > %(now)s
) packed ON true WHERE head.id = 1""",
    "sqlite": """
SELECT head.version, head.tag, head.sealed, "key" || printf('%%08x%%08x', until, issued_before)
FROM tokens_revocationlog head
LEFT JOIN tokens_revocation ON tokens_revocation.version > MAX(%(after)s, head.sealed) AND until > %(now)s
WHERE head.id = 1 ORDER BY "key" """,
}
# A row that another transaction holds is recorded again at this moment: it is published once that has ended.
PUBLISH = {
    "postgresql": """
WITH waiting AS MATERIALIZED (
    SELECT "key" FROM tokens_revocation WHERE waits LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE tokens_revocation SET version = %(version)s, waits = false
FROM waiting WHERE tokens_revocation."key" = waiting."key" """,
    "sqlite": """
UPDATE tokens_revocation SET version = %(version)s, waits = false
WHERE "key" IN (SELECT "key" FROM tokens_revocation WHERE waits LIMIT %(most)s)""",
}


@dataclass(frozen=True, slots=True)
class Version:
    """Where the log stands, or stood."""

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


def head() -> tuple[Version, bool]:
    """Return the current version, and whether revocations wait for the next one, by one statement."""
    with connection.cursor() as cursor:
        cursor.execute(HEAD)
        row = cursor.fetchone()
    if row is None:
        begin(now=store.database_now())
        return head()
    number, tag, waits = row
    return Version(number, tag), bool(waits)


def begin(*, now: datetime) -> None:
    """Begin a log that has no head, as in a database that was emptied: at version 0."""
    with transaction.atomic():
        first = {"version": 0, "tag": new_tag(), "sealed": 0, "unsealed": 0}
        log, created = RevocationLog.objects.get_or_create(pk=1, defaults=first)
        if created:
            Publication.objects.update_or_create(version=0, defaults={"tag": log.tag, "at": now})


def publish(*, now: datetime, batches: int = BATCHES) -> bool:
    """Give waiting revocations their versions. Return True if that was cut short, after so many full batches."""
    return all(_publish_batch(now=now) for _ in range(batches))


def publish_all(*, now: datetime) -> None:
    """Publish until none waits: for commands, which have the time."""
    while publish(now=now):
        pass


def is_known(version: Version) -> bool:
    """True if this log had `version`, and still knows what was published after it."""
    return Publication.objects.filter(version=version.number, tag=version.tag).exists()


def changes(since: Version | None, *, now: datetime) -> Changes:
    """Return the live entries that were published after `since`, or every live one."""
    number = since.number if since else 0
    version, sealed, entries = _pack(after=number, now=now)
    if number >= sealed:
        return Changes(version, entries, ())
    # Read after the head: a segment that was sealed since then holds entries that are newer than it, and no fewer.
    live = Segment.objects.filter(version__gt=number, until__gt=int(now.timestamp())).order_by("version")
    return Changes(version, entries, tuple(live.values_list("digest", "count")))


def new_tag() -> str:
    """Return a random tag: 8 bytes in base64url."""
    return _base64url(secrets.token_bytes(8))


def _publish_batch(*, now: datetime) -> bool:
    """Publish as many waiting revocations under the next version as a segment has room for; True if it is full then."""
    with transaction.atomic():
        log = RevocationLog.objects.select_for_update().get(pk=1)
        if log.unsealed >= SEGMENT:
            _seal(log, now=now)
        room, number = SEGMENT - log.unsealed, log.version + 1
        count = _give_version(number, most=room)
        if count:
            log.version, log.tag, log.unsealed = number, new_tag(), log.unsealed + count
            Publication.objects.create(version=log.version, tag=log.tag, at=now)
        log.save()
    return count == room


def _give_version(number: int, *, most: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(PUBLISH[connection.vendor], {"version": number, "most": most})
        return int(cursor.rowcount)


def _seal(log: RevocationLog, *, now: datetime) -> None:
    """Pack the entries that were published since the last segment into one."""
    _, _, body = _pack(after=log.sealed, now=now)
    if body:
        digest = _base64url(hashlib.sha256(body).digest())
        until = max(until for _, until, _ in struct.iter_unpack(LAYOUT, body))
        fields = {"version": log.version, "count": len(body) // ENTRY, "until": until, "body": body}
        Segment.objects.get_or_create(digest=digest, defaults=fields)
    log.sealed, log.unsealed = log.version, 0
    if (number := Segment.objects.filter(until__gt=int(now.timestamp())).count()) >= MANY_SEGMENTS:
        logger.error(
            "The revocation feed has %d segments of %d entries: APIs hold 256. End more at once (revoke_tokens --all)",
            number,
            SEGMENT,
        )


def _pack(*, after: int, now: datetime) -> tuple[Version, int, bytes]:
    """Return the head's version, the last one that is sealed, and the entries after both that and `after`."""
    with connection.cursor() as cursor:
        cursor.execute(PACKED[connection.vendor], {"after": after, "now": int(now.timestamp())})
        rows = cursor.fetchall()
    number, tag, sealed, _ = rows[0]
    parts = [packed for *_, packed in rows if packed is not None]
    entries = b"".join(bytes.fromhex(part) if isinstance(part, str) else bytes(part) for part in parts)
    return Version(number, tag), sealed, entries


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
