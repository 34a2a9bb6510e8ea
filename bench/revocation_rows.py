"""Write many revocations to an issuer's database at once, for benchmarks."""

import hashlib
import time

import psycopg

from bench.issuers import Served
from tests.services.test_revocation_log import COPIED, WAITING
from tests.tokens.feed_reader import key

HOUR = 3600  # seconds
ARRIVE = """
WITH entry AS (
    INSERT INTO tokens_revocation ("key", kind, issued_before, until)
    SELECT substr(encode(sha256(('jti' || chr(1) || name)::bytea), 'hex'), 1, 32)::uuid, 'jti', 0,
        extract(epoch FROM now())::bigint + 3600
    FROM unnest(%s::text[]) name RETURNING "key", until
)
INSERT INTO tokens_waitingentry (entry)
SELECT uuid_send("key") || substring(int8send(until) FROM 5) || substring(int8send(0) FROM 5) FROM entry"""
"""A statement that revokes tokens by the same kinds of rows as `revoke_token`.

It revokes all of them at once, so that the benchmark is not slower than the feed that it measures.
"""
ROWS_BEFORE = """
INSERT INTO tokens_denial (kind, identifier, holder, until)
SELECT 'jti', md5(n::text), '', now() + interval '1 hour' FROM generate_series({first}, {last}) n"""
"""A statement that revokes tokens in the earlier build."""
END_ALL = (
    "UPDATE tokens_revocation SET until = until - 7200",
    "UPDATE tokens_segment SET until = until - 7200",
    "UPDATE tokens_publication SET until = until - 7200, at = at - interval '1 day'",
    "VACUUM ANALYZE",
)


def load(served: Served, entries: int) -> None:
    """Revoke `entries` tokens by SQL. Their entries wait until the issuer publishes them in the revocation feed."""
    until = int(time.time()) + HOUR
    with psycopg.connect(served.database) as connection:
        with connection.cursor() as cursor, cursor.copy(COPIED) as copy:
            for number in range(entries):
                copy.write(f"{key('jti', str(number)).hex()}\tjti\t0\t{until + number % 600}\n")
        connection.execute(WAITING)


def arrive(connection: "psycopg.Connection[tuple[object, ...]]", names: list[str]) -> None:
    """Revoke the tokens with these names (`jti`) in one transaction."""
    connection.execute(ARRIVE, [names])


def hashed(name: str) -> bytes:
    """Return the 16 bytes by which the feed identifies the revoked token whose `jti` is `name`.

    They are the beginning of a SHA-256, as `arrive` stores it.
    """
    # Byte 1 where the issuer has byte 0, because text in PostgreSQL cannot contain a zero byte.
    return hashlib.sha256(f"jti\x01{name}".encode()).digest()[:16]
