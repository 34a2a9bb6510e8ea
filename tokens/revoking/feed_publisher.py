"""Publish waiting revocations: give them the next version of the log.

- One publisher works at a time. It locks the head's row until its commit, so versions become visible in order, and no
  entry is added to a version that a reader can have seen.
- A publication has at most as many entries as fit into the current segment. A full segment is sealed first.
"""

import hashlib
import logging
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from tokens.issued.revocation_key import ENTRY
from tokens.models import Publication, RevocationLog, Segment
from tokens.revoking import feed_entries, feed_log

logger = logging.getLogger(__name__)

BATCHES = 4
"""Batches that one request publishes before it answers."""
MANY_SEGMENTS = 128
"""Half of the segments that every reader can hold. From this number on, the issuer logs an error."""
TAKE = """
DELETE FROM tokens_waitingentry WHERE id IN (SELECT id FROM tokens_waitingentry ORDER BY id LIMIT %s) RETURNING entry"""


def publish(*, now: datetime, batches: int = BATCHES) -> bool:
    """Publish waiting entries, at most `batches` full batches. Returns True if more can be waiting."""
    return all(_publish_batch(now=now) for _ in range(batches))


def publish_all(*, now: datetime) -> None:
    """Publish until no entry waits, for commands. Vacuums the queue if there were many entries."""
    were_many = False
    while publish(now=now):
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


def _publish_batch(*, now: datetime) -> bool:
    """Publish waiting entries under the next version, as many as fit into the segment. Returns True if it is full."""
    with transaction.atomic():
        # The row lock makes publishers wait for each other until the commit, so that versions commit in their order.
        log = RevocationLog.objects.select_for_update().get(pk=1)
        if log.unsealed >= feed_log.SEGMENT:
            _seal(log, now=now)
        room = feed_log.SEGMENT - log.unsealed
        entries = _take(room)
        if entries:
            log.version, log.tag, log.unsealed = log.version + 1, feed_log.new_tag(), log.unsealed + len(entries)
            body = feed_entries.merged(entries)
            fields = {"count": len(body) // ENTRY, "until": feed_entries.until(body), "body": body}
            Publication.objects.create(version=log.version, tag=log.tag, at=now, **fields)
        log.save()
    return len(entries) == room


def _take(limit: int) -> list[bytes]:
    """Remove up to `limit` waiting entries from the queue, the oldest first, and return them."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [limit])
        return [bytes(entry) for (entry,) in feed_log.rows(cursor)]


def _seal(log: RevocationLog, *, now: datetime) -> None:
    """Pack the entries that were published since the last segment into a new one."""
    _, bodies, _ = feed_log.published(log.sealed, now=now)
    if body := feed_entries.merged(bodies, now=now):
        digest = feed_log.base64url(hashlib.sha256(body).digest())
        fields = {"version": log.version, "count": len(body) // ENTRY, "until": feed_entries.until(body), "body": body}
        Segment.objects.get_or_create(digest=digest, defaults=fields)
    log.sealed, log.unsealed = log.version, 0
    if (number := Segment.objects.filter(until__gt=int(now.timestamp())).count()) >= MANY_SEGMENTS:
        logger.error(
            "The revocation feed has %d segments of %d entries. APIs can hold 256 segments. Replace many revocations"
            " by a single one: run manage.py revoke_tokens --all",
            number,
            feed_log.SEGMENT,
        )
