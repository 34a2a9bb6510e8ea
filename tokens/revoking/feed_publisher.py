"""Publishes waiting revocations as the next version of the log.

- One publisher works at a time. It locks the row with the log's current version until the commit. So versions become
  visible in order, and no entry is added to a version that a reader can have seen.
- A published entry that is in no segment is unsealed (`feed_log`). There are at most SEGMENT unsealed entries, which
  limits the size of the next publication. If there are SEGMENT already, the publisher first seals them in a new
  segment.
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from tokens.issued.revocation_key import ENTRY
from tokens.models import Segment
from tokens.revoking import feed_entries, feed_log

logger = logging.getLogger(__name__)

BATCHES = 4
"""The most batches that one request publishes before it answers."""
MANY_SEGMENTS = 128
"""Half of the number of segments that every reader can hold. From this number on, the issuer logs an error."""
# Plain SQL: a delta may cost 5 ms of CPU (docs/revocation-feed.md section 8), and the ORM would take 0.6 ms of it.
LOCK = "SELECT version, tag, sealed, unsealed FROM tokens_revocationlog WHERE id = 1 {for_update}"
ADVANCE = "UPDATE tokens_revocationlog SET version = %s, tag = %s, sealed = %s, unsealed = %s WHERE id = 1"
APPEND = """
INSERT INTO tokens_publication (version, tag, at, count, until, body) VALUES (%s, %s, %s, %s, %s, %s)"""
TAKE = """
DELETE FROM tokens_waitingentry WHERE id IN (SELECT id FROM tokens_waitingentry ORDER BY id LIMIT %s) RETURNING entry"""


def publish(*, now: datetime, batches: int = BATCHES) -> feed_log.Head:
    """Publish waiting entries in up to `batches` transactions, each as one new version. Returns the log's new state.

    `has_waiting` of the result is True if more entries might wait.
    """
    for _ in range(batches):
        published = _publish_batch(now=now)
        if not published.has_waiting:
            break
    return published


def publish_all(*, now: datetime) -> None:
    """Publish all waiting entries. Vacuums their table if one call of `publish` was not enough.

    Only a revocation by an operator calls this (`bulk`). A request for the feed calls `publish`, which does less work.
    """
    were_many = False
    while publish(now=now).has_waiting:
        were_many = True
    if were_many:
        _vacuum()


def _vacuum() -> None:
    """Vacuum the table of waiting entries, to remove the index entries of deleted rows. PostgreSQL only."""
    # Until a vacuum, each poll reads these index entries, which takes 10 ms for a million.
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return  # autovacuum vacuums the table within a minute or two
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM tokens_waitingentry")
    except DatabaseError as error:
        logger.warning(
            "The table tokens_waitingentry was not vacuumed, so polls of the feed are slower until autovacuum: %s",
            error,
        )


def _publish_batch(*, now: datetime) -> feed_log.Head:
    """Publish waiting entries as the next version, and return the new state of the log.

    If SEGMENT published entries are unsealed (in no segment), first seals them. Then publishes the oldest waiting
    entries, so that at most SEGMENT entries are unsealed. If no entries wait, there is no new version.
    """
    with transaction.atomic():
        # The row lock makes publishers wait for each other until the commit, so that versions commit in order.
        version, sealed, unsealed = _lock(now=now)
        newest = None
        if must_seal := unsealed >= feed_log.SEGMENT:
            _seal(version, after=sealed, now=now)
            sealed, unsealed = version.number, 0
        room = feed_log.SEGMENT - unsealed
        entries = _take(room)
        if entries:
            newest, unsealed = feed_log.Newest(version, feed_entries.merged(entries)), unsealed + len(entries)
            version = feed_log.Version(version.number + 1, feed_log.new_tag())
            _append(version, newest.body, now=now)
        if entries or must_seal:
            _execute(ADVANCE, [version.number, version.tag, sealed, unsealed])
    return feed_log.Head(version, sealed, now if len(entries) == room else None, newest)


def _lock(*, now: datetime) -> tuple[feed_log.Version, int, int]:
    """Lock the row of the log until the commit. Creates the log if there is none.

    Returns three values: the current version, the number of the last version whose entries are sealed in a segment, and
    the number of entries that were published after that version.
    """
    # SQLite locks the whole database at the beginning of a transaction.
    for_update = "FOR UPDATE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(LOCK.format(for_update=for_update))
        row = cursor.fetchone()
    if row is None:  # a database that was emptied by hand
        feed_log.begin(now=now)
        return _lock(now=now)
    number, tag, sealed, unsealed = row
    return feed_log.Version(number, tag), sealed, unsealed


def _append(version: feed_log.Version, body: bytes, *, now: datetime) -> None:
    """Insert the publication of `version`, whose packed entries are `body`."""
    at = connection.ops.adapt_datetimefield_value(now)
    _execute(APPEND, [version.number, version.tag, at, len(body) // ENTRY, feed_entries.until(body), body])


def _execute(statement: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _take(limit: int) -> list[bytes]:
    """Remove up to `limit` waiting entries from the queue, the oldest first, and return them."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [limit])
        return [bytes(entry) for (entry,) in feed_log.rows(cursor)]


def _seal(version: feed_log.Version, *, after: int, now: datetime) -> None:
    """Store a new segment with the entries that were published after the version number `after`, up to `version`.

    `version` is the current version of the log. Leaves out expired entries. Logs an error if there are too many
    segments.
    """
    _, bodies, _ = feed_log.published(after, now=now)
    if body := feed_entries.merged(bodies, now=now):
        digest = feed_log.base64url(hashlib.sha256(body).digest())
        fields = {
            "version": version.number,
            "count": len(body) // ENTRY,
            "until": feed_entries.until(body),
            "body": body,
        }
        Segment.objects.get_or_create(digest=digest, defaults=fields)
    if (number := Segment.objects.filter(until__gt=int(now.timestamp())).count()) >= MANY_SEGMENTS:
        logger.error(
            "The revocation feed has %d segments of %d entries. APIs can hold 256 segments. Replace many revocations"
            " by a single one: run manage.py revoke_tokens --all",
            number,
            feed_log.SEGMENT,
        )
