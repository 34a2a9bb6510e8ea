"""Rotation on PostgreSQL with real processes."""

import psycopg
import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services
KEYS = "SELECT kid, signs_at IS NULL FROM tokens_signingkey ORDER BY kid"


def test_ten_first_runs_in_the_same_second_make_one_key_and_one_standby(issuer: Issuer) -> None:
    runs = [issuer.start("rotate_keys") for _ in range(10)]
    printed = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0] * 10, printed
    assert sorted(standby for _, standby in issuer.rows(KEYS)) == [False, True]
    assert sum(out.startswith("created") for out, _ in printed) == 1


def test_ten_hurried_runs_in_the_same_second_plan_one_switch(issuer: Issuer) -> None:
    issuer.run("rotate_keys")
    runs = [issuer.start("rotate_keys", "--now") for _ in range(10)]
    printed = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0] * 10, printed
    assert len(issuer.rows(KEYS)) == 3
    assert sum(out.startswith("planned") for out, _ in printed) == 1
    assert sum(out.startswith("already planned") for out, _ in printed) == 9


SECOND_STANDBY = """
INSERT INTO tokens_signingkey
    (ring_id, kid, public_jwk, sealed, encryption_key_id, mac, max_lifetime, announced_at, revoke_reason)
SELECT ring_id, 'second', public_jwk, sealed, encryption_key_id, mac, max_lifetime, announced_at, ''
FROM tokens_signingkey WHERE signs_at IS NULL AND revoked_at IS NULL AND cancelled_at IS NULL
"""
REFUSED = [
    "DELETE FROM tokens_signingkey",
    "DELETE FROM tokens_ring",
    "TRUNCATE tokens_auditevent",
    "UPDATE tokens_auditevent SET actor = 'nobody'",
    "UPDATE tokens_signingkey SET kid = 'other'",
    "UPDATE tokens_signingkey SET announced_at = announced_at - interval '1 day'",
    "UPDATE tokens_signingkey SET signs_at = NULL",
    "UPDATE tokens_signingkey SET signs_at = announced_at - interval '1 day' WHERE signs_at IS NULL",
    "UPDATE tokens_signingkey SET withdraw_at = announced_at - interval '1 day'",
    "UPDATE tokens_signingkey SET withdraw_at = withdraw_at - interval '1 second' WHERE withdraw_at IS NOT NULL",
    "UPDATE tokens_signingkey SET withdraw_at = NULL WHERE withdraw_at IS NOT NULL",
    "UPDATE tokens_signingkey SET max_lifetime = interval '1 second'",
    "UPDATE tokens_signingkey SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
    "UPDATE tokens_signingkey SET cancelled_at = NULL WHERE cancelled_at IS NOT NULL",
    "UPDATE tokens_signingkey SET private_destroyed_at = NULL, sealed = 'x' WHERE sealed IS NULL",
    "UPDATE tokens_signingkey SET sealed = NULL WHERE sealed IS NOT NULL",
    SECOND_STANDBY,
    "UPDATE tokens_ring SET algorithm = 'none'",
    "UPDATE tokens_ring SET name = 'other'",
    "UPDATE tokens_ring SET bits = 4096",
    "UPDATE tokens_ring SET keystore = 'pkcs11'",
    "UPDATE tokens_api SET ring_id = (SELECT id FROM tokens_ring LIMIT 1)",
]
API = "INSERT INTO tokens_api (identifier, name, algorithms) VALUES ('https://api.example/', 'API', '[\"RS256\"]')"


@pytest.fixture(scope="module")
def lived(module_issuer: Issuer) -> Issuer:
    """A ring with a key in every state that plain SQL might upset: planned, superseded, cancelled, revoked."""
    module_issuer.run("rotate_keys")
    module_issuer.run("rotate_keys", "--now")
    standby = "SELECT kid FROM tokens_signingkey WHERE signs_at IS NULL AND cancelled_at IS NULL"
    module_issuer.run("rotate_keys", "--cancel", module_issuer.rows(standby)[0][0])
    module_issuer.run("revoke_key", module_issuer.rows(standby)[0][0], "--reason", "test", "--yes")
    with psycopg.connect(module_issuer.variables["DATABASE_URL"]) as connection:
        connection.execute(API)
    return module_issuer


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_itself_refuses(lived: Issuer, statement: str) -> None:
    before = lived.rows("SELECT * FROM tokens_signingkey ORDER BY kid")
    with pytest.raises(psycopg.errors.IntegrityError):
        lived.rows(statement)
    assert lived.rows("SELECT * FROM tokens_signingkey ORDER BY kid") == before


def test_every_refused_statement_is_about_a_row_that_is_there(lived: Issuer) -> None:
    """Or it would be refused by nobody: an UPDATE without rows fires no trigger."""
    [counts] = lived.rows(
        "SELECT count(withdraw_at), count(revoked_at), count(cancelled_at), count(private_destroyed_at)"
        " FROM tokens_signingkey"
    )
    assert all(counts)
