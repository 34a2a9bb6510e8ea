"""The benchmark module `bench.full_tables` fills every table whose size grows with the use of the issuer.

Each row refers to rows that exist, and each index is valid.
"""

from collections.abc import Iterator

import psycopg
import pytest

from bench.full_tables import GROWING, PEOPLE, Size, fill
from tests.services.conftest import Issuer, migrated

pytestmark = pytest.mark.services
ROWS = 48
SERVICE = "from tokens.models import Client; Client.objects.create(client_id='service', name='S')"
UNUSABLE = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT (indisready AND indisvalid)"
FOREIGN = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conrelid IN (SELECT unnest(%s::text[])::regclass)"""
AGAIN = "ALTER TABLE {0} DROP CONSTRAINT {1}; ALTER TABLE {0} ADD CONSTRAINT {1} {2}"


@pytest.fixture(scope="module")
def filled() -> Iterator[Issuer]:
    with migrated() as issuer:
        issuer.run("shell", "-v", "0", "--no-imports", "-c", SERVICE)
        fill(issuer.variables["DATABASE_URL"], Size(ROWS), lambda _: None)
        yield issuer


@pytest.mark.parametrize("table", GROWING)
def test_a_table_that_grows_has_so_many_rows(filled: Issuer, table: str) -> None:
    assert filled.rows(f"SELECT count(*) FROM {table}") == [(ROWS,)]


def test_users_and_clients_stop_growing_before_the_other_tables() -> None:
    assert [(Size(rows).users, Size(rows).clients) for rows in (10, 10_000_000)] == [(10, 10), (1_000_000, 100_000)]


def test_every_index_is_usable(filled: Issuer) -> None:
    assert filled.rows(UNUSABLE) == []


def test_every_row_refers_to_rows_that_exist(filled: Issuer) -> None:
    with psycopg.connect(filled.variables["DATABASE_URL"]) as connection:
        constraints = connection.execute(FOREIGN, [[*PEOPLE, *GROWING]]).fetchall()
        assert constraints
        for constraint in constraints:  # PostgreSQL compares every row when it makes the constraint
            connection.execute(AGAIN.format(*constraint))


def test_the_feed_begins_at_the_last_publication(filled: Issuer) -> None:
    assert filled.rows("SELECT version, sealed, unsealed FROM tokens_revocationlog") == [(ROWS, ROWS, 0)]
