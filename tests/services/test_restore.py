"""pg_dump and pg_restore of an issuer's database.

If only the data is restored, into a schema that exists already, the triggers of the schema run.
"""

import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.services.conftest import Issuer, database

pytestmark = pytest.mark.services

FUNCTIONS = """
SELECT p.proname, p.proconfig FROM pg_proc p WHERE p.oid IN (
    SELECT t.tgfoid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relname LIKE 'tokens\\_%'
)"""
FIXED = ["search_path=public, pg_temp"]


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr


def filled(issuer: Issuer) -> None:
    issuer.run("rotate_keys")
    issuer.run("create_api", "--identifier", "https://api.example/", "--name", "A", "--scope", "notes:read=Read")
    issuer.run("create_client", "--name", "S", "--client-id", "s", "--grant", "client_credentials")


def test_data_alone_is_restored_into_a_schema_with_its_triggers(issuer: Issuer, tmp_path: Path) -> None:
    filled(issuer)
    url, schema, data = issuer.variables["DATABASE_URL"], str(tmp_path / "schema"), str(tmp_path / "data")
    run("pg_dump", "-Fc", "--schema-only", "-f", schema, url)
    run("pg_dump", "-Fc", "--data-only", "-f", data, url)
    with database() as other:
        run("pg_restore", "--exit-on-error", "-d", other, schema)
        run("pg_restore", "--exit-on-error", "--data-only", "-d", other, data)
        restored = replace(issuer, variables=issuer.variables | {"DATABASE_URL": other})
        for query in ("SELECT kid FROM tokens_signingkey", "SELECT id, value FROM tokens_registryversion"):
            assert sorted(restored.rows(query)) == sorted(issuer.rows(query))
        assert "nothing due" in restored.run("rotate_keys")
        restored.run("client_secret", "add", "s")
        assert len(restored.rows("SELECT * FROM tokens_registryversion")) == 1


def test_every_trigger_function_has_a_fixed_search_path(module_issuer: Issuer) -> None:
    functions = module_issuer.rows(FUNCTIONS)
    assert {"keyturn_refuse", "keyturn_registry_changed", "keyturn_replace"} <= {name for name, _ in functions}
    assert [name for name, config in functions if config != FIXED] == []


def test_a_table_of_that_name_elsewhere_on_the_search_path_is_not_written(module_issuer: Issuer) -> None:
    with psycopg.connect(module_issuer.variables["DATABASE_URL"]) as connection:
        connection.execute("CREATE SCHEMA mine")
        connection.execute("CREATE TABLE mine.tokens_registryversion (id bigint PRIMARY KEY, value text)")
        connection.execute("SET search_path = mine, public")
        connection.execute("DELETE FROM public.tokens_scope")
        assert connection.execute("SELECT count(*) FROM mine.tokens_registryversion").fetchall() == [(0,)]
        connection.rollback()


def test_functions_of_an_older_database_are_fixed_by_migrate(issuer: Issuer) -> None:
    issuer.run("migrate", "tokens", "0021", "--verbosity", "0")
    with psycopg.connect(issuer.variables["DATABASE_URL"], autocommit=True) as connection:
        for name, _ in connection.execute(FUNCTIONS).fetchall():
            connection.execute(f"ALTER FUNCTION {name}() RESET ALL")
    assert {config is None for _, config in issuer.rows(FUNCTIONS)} == {True}
    issuer.run("migrate", "--verbosity", "0")
    assert [name for name, config in issuer.rows(FUNCTIONS) if config != FIXED] == []
