"""Identifiers that grow with time, so that a database inserts new rows beside each other in its indexes. Pure.

With random identifiers, each insertion changes a page of the index that is seldom in memory, as soon as the index is
larger than PostgreSQL's `shared_buffers`. PostgreSQL then also writes that whole page to its log.
"""

import secrets
from datetime import datetime
from uuid import UUID

RANDOM = 74  # bits
LOWER = 62  # of these bits, those after the variant


def uuid7(now: datetime) -> UUID:
    """Return a new UUID version 7 (RFC 9562 section 5.7): the milliseconds of `now`, and 74 random bits."""
    upper, lower = divmod(secrets.randbits(RANDOM), 1 << LOWER)
    milliseconds = int(now.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | upper << 64 | 0b10 << LOWER | lower)
