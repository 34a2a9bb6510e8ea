"""Migrations after 0021 can run while the issuer serves.

No such migration holds a lock for long, or makes the running version of the code fail. django-migration-linter checks
the SQL of these migrations on PostgreSQL. Each migration is also run, to check that it limits its wait for locks first,
and that it can be reversed. Migrations up to 0021 are applied, but neither checked nor reversed.
"""

import json
import subprocess
import sys

import pytest

from tests.services.conftest import ROOT, Issuer

pytestmark = pytest.mark.services

BASELINE = "0021"
WAIVED: dict[str, list[str]] = {
    # Processes of the version before must not revoke where nobody looks any more: without the table they answer 503.
    "0026_revocations": ["DROP_TABLE"],
}
"""By name of a migration, the linter's codes that do no harm there; say why beside each."""

LINT = """
import json, sys
import django
django.setup()
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django_migration_linter import MigrationLinter

names, waived = json.loads(sys.argv[1]), json.loads(sys.argv[2])
baseline = sys.argv[3]
ours = [name for app, name in MigrationLoader(connection).disk_migrations if app == "tokens"]
names = names or [name for name in ours if name[:4] > baseline]
wrong = 0
for name in sorted(names):
    linter = MigrationLinter(
        include_apps=["tokens"],
        include_name=[name],
        no_cache=True,
        quiet=["ignore"],
        warnings_as_errors_tests=["CREATE_INDEX", "CREATE_INDEX_EXCLUSIVE", "DROP_INDEX", "REINDEX"],
        exclude_migration_tests=waived.get(name, []),
    )
    linter.lint_all_migrations()
    wrong += linter.has_errors
print(len(names), "linted")
sys.exit(bool(wrong))
"""

STATEMENTS = """
import json, sys
import django
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

ran = {}
for app, name in MigrationExecutor(connection).loader.graph.forwards_plan(("tokens", sys.argv[2])):
    if app != "tokens" or name[:4] <= sys.argv[1]:
        continue
    def record(execute, sql, params, many, context):
        ran.setdefault(name, []).append(sql)
        return execute(sql, params, many, context)
    with connection.execute_wrapper(record):
        MigrationExecutor(connection).migrate([("tokens", name)])
print(json.dumps(ran))
"""
WRITES = ("ALTER", "CREATE", "DROP", "UPDATE", "DELETE", "INSERT", "LOCK", "DO", "TRUNCATE")


def python(issuer: Issuer, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=issuer.variables, capture_output=True, text=True, timeout=600, check=False
    )


def lint(issuer: Issuer, *names: str) -> "subprocess.CompletedProcess[str]":
    return python(issuer, LINT, json.dumps(names), json.dumps(WAIVED), BASELINE)


def is_bounded(statements: list[str]) -> bool:
    """Return True if the SQL statements set `lock_timeout` before the first statement that writes."""
    own = [statement.split() for statement in statements if "django_migrations" not in statement]
    first = next((number for number, words in enumerate(own) if words and words[0].upper() in WRITES), len(own))
    return any(words[0].upper() == "SET" and "lock_timeout" in words for words in own[:first] if words)


def test_the_linter_finds_nothing_in_migrations_after_the_baseline(module_issuer: Issuer) -> None:
    done = lint(module_issuer)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.splitlines()[-1].split()[0]) > 0


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("0020_successors_outlive", "DROPPING columns"),
        ("0021_names_in_any_case", "CREATE INDEX locks table"),
    ],
)
def test_the_linter_would_refuse_migrations_of_the_baseline(module_issuer: Issuer, name: str, problem: str) -> None:
    done = lint(module_issuer, name)
    assert done.returncode == 1, done.stdout + done.stderr
    assert problem in done.stdout


def test_migrations_after_the_baseline_can_be_reversed_and_first_bound_their_wait_for_locks(issuer: Issuer) -> None:
    last = issuer.rows("SELECT name FROM django_migrations WHERE app = 'tokens' ORDER BY id DESC LIMIT 1")[0][0]
    issuer.run("migrate", "tokens", BASELINE, "--verbosity", "0")
    done = python(issuer, STATEMENTS, BASELINE, last)
    assert done.returncode == 0, done.stderr
    ran = json.loads(done.stdout)
    assert last in ran
    assert [name for name, statements in ran.items() if not is_bounded(statements)] == []


@pytest.mark.parametrize(
    ("statements", "bounded"),
    [
        (["SET LOCAL lock_timeout = '3s'", "ALTER TABLE a ADD b int"], True),
        (["SELECT 1", "SET lock_timeout = '3s'", "CREATE INDEX CONCURRENTLY a ON b (c)"], True),
        (["ALTER TABLE a ADD b int", "SET LOCAL lock_timeout = '3s'"], False),
        (["ALTER TABLE a ADD b int"], False),
        (["SET LOCAL statement_timeout = '3s'", "ALTER TABLE a ADD b int"], False),
    ],
)
def test_the_check_of_the_bound_sees_order_and_name(statements: list[str], *, bounded: bool) -> None:
    assert is_bounded(statements) is bounded
