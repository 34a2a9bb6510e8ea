"""Two purges at once on PostgreSQL: they share the work, and neither waits or fails."""

import json

import psycopg
import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services

FILL = """
    INSERT INTO tokens_denial (kind, identifier, until)
    SELECT 'jti', n::text, now() + (n - 5000) * interval '1 day' - interval '1 hour' FROM generate_series(1, 5100) AS n
"""


def test_two_purges_at_once_remove_each_row_once_and_nothing_that_lives(issuer: Issuer) -> None:
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as connection:
        connection.execute(FILL)
    runs = [issuer.start("purge_tokens", "--json", "--batch", "100") for _ in range(2)]
    printed = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    removed = [json.loads(out)["removed"]["denials"] for out, _ in printed]
    assert sum(removed) == 5000
    assert issuer.rows("SELECT count(*), min(identifier::int) FROM tokens_denial") == [(100, 5001)]
