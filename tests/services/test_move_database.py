"""`move_database` moves the data of an issuer from SQLite to PostgreSQL. The issuer then works with PostgreSQL."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError

from tests.database_errors import failing, raised
from tests.services.conftest import Issuer, database, environment
from tokens.handover import database_copy, other_database

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("move database")]
KIDS = "SELECT kid, public_jwk::text FROM tokens_signingkey ORDER BY kid"


@dataclass
class Source:
    """An issuer on SQLite with keys, clients and users."""

    file: Path
    variables: dict[str, str]

    def at(self, url: str) -> Issuer:
        """Return the issuer with the same secrets, but with the database at `url`."""
        return Issuer(self.variables | {"DATABASE_URL": url})

    @property
    def here(self) -> Issuer:
        """Return the issuer with its SQLite database."""
        return Issuer(self.variables)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    file = tmp_path_factory.mktemp("source") / "issuer.sqlite3"
    made = Source(file, environment(f"sqlite:///{file}"))
    users = [
        {"model": "auth.user", "pk": number, "fields": {"username": f"u{number}", "password": "!", "is_active": True}}
        for number in range(1200)
    ]
    (file.parent / "users.json").write_text(json.dumps(users))
    for words in (
        ("migrate", "--verbosity", "0"),
        ("rotate_keys",),
        ("demo_setup",),
        ("import_users", str(file.parent / "users.json")),
        ("revoke_tokens", "--all", "--reason", "test", "--yes"),
    ):
        made.here.run(*words)
    return made


@pytest.fixture
def target() -> Iterator[str]:
    with database() as url:
        yield url


@pytest.fixture(scope="module")
def migrated() -> Iterator[str]:
    """Yield the URL of a database with the tables of `migrate`."""
    with database() as url:
        Issuer(environment(url)).run("migrate", "--verbosity", "0")
        yield url


def failed(issuer: Issuer, *words: str) -> tuple[int, str]:
    """Run a command that is expected to fail, and return its exit code and its error output."""
    process = issuer.start(*words)
    _, err = process.communicate(timeout=600)
    return process.returncode, err


def test_an_issuer_goes_on_in_the_new_database(source: Source, target: str) -> None:
    printed = source.here.run("move_database", "--to", target)
    assert "2 signing keys decrypt from the target" in printed
    assert "Set DATABASE_URL" in printed
    moved = source.at(target)
    with sqlite3.connect(source.file) as connection:
        kids = sorted(kid for (kid,) in connection.execute("SELECT kid FROM tokens_signingkey"))
        subs = {sub.replace("-", "") for (sub,) in connection.execute("SELECT sub FROM tokens_user")}
    assert [kid for kid, _ in moved.rows(KIDS)] == kids
    assert {sub.hex for (sub,) in moved.rows("SELECT sub FROM tokens_user")} == subs
    assert len(subs) == 1202
    assert moved.run("keys", "--check").strip() == "the signing keys are healthy"
    assert "nothing due" in moved.run("rotate_keys")
    # sequences go on, and the triggers that renew the registry's version and refuse changes of keys are on
    version = moved.rows("SELECT value FROM tokens_registryversion")
    moved.run("create_client", "--name", "New", "--grant", "client_credentials")
    assert moved.rows("SELECT value FROM tokens_registryversion") != version
    with psycopg.connect(target) as connection, pytest.raises(psycopg.errors.DatabaseError, match="kept for ever"):
        connection.execute("DELETE FROM tokens_signingkey")
    disabled = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O' AND NOT tgisinternal"
    assert moved.rows(disabled) == []
    code, said = failed(source.here, "move_database", "--to", target)
    assert (code, "is not empty" in said) == (3, True), said


def test_json_counts_the_rows_and_there_is_no_progress(source: Source, target: str) -> None:
    process = source.here.start("move_database", "--to", target, "--json")
    out, err = process.communicate(timeout=600)
    result = json.loads(out)
    assert (process.returncode, err.strip()) == (0, "")
    assert (result["keys"], result["rows"]["tokens_user"], result["left"]) == (2, 1202, [])


def test_a_target_with_other_tables_is_refused(source: Source, target: str) -> None:
    with psycopg.connect(target) as connection:
        connection.execute("CREATE TABLE mine (id integer)")
    code, said = failed(source.here, "move_database", "--to", target)
    assert (code, "it has the table mine" in said) == (3, True), said


def test_a_key_that_does_not_decrypt_stops_the_move(source: Source, target: str) -> None:
    other = Issuer(source.variables | {"KEY_ENCRYPTION_KEYS": secrets.token_urlsafe(32)})
    code, said = failed(other, "move_database", "--to", target)
    assert (code, "does not decrypt" in said) == (3, True), said
    with psycopg.connect(target) as connection:
        assert connection.execute("SELECT count(*) FROM tokens_user").fetchone() == (0,)
    # a failed move left migrated tables without rows, into which the next one may copy
    source.here.run("move_database", "--to", target)


@pytest.mark.parametrize("url", ["sqlite:///x.sqlite3", "nothing", "postgres://nobody@127.0.0.1:1/none"])
def test_a_target_that_is_no_postgresql_that_answers_is_refused(source: Source, url: str) -> None:
    code, said = failed(source.here, "move_database", "--to", url)
    assert code == 3, said
    assert "Traceback" not in said


INTERRUPTED = "another process or a time limit interrupted the command"
TARGET = other_database.ALIAS
ERRORS = [
    # The source.
    ("default", "DELETE FROM django_migrations", OperationalError("database is locked"), 4, INTERRUPTED),
    ("default", 'FROM "tokens_ring"', raised(OperationalError, "40P01"), 4, INTERRUPTED),
    ("default", 'FROM "tokens_ring"', raised(ProgrammingError, "42501"), 1, r"the database \(DATABASE_URL\) cannot be"),
    # The target.
    (TARGET, "TRUNCATE", raised(OperationalError, "55P03"), 4, INTERRUPTED),
    (TARGET, "DISABLE TRIGGER", raised(OperationalError, "40P01"), 4, INTERRUPTED),
    (TARGET, "TRUNCATE", raised(ProgrammingError, "42501"), 3, "--to: the database cannot be used"),
    (TARGET, 'INSERT INTO "tokens_ring"', raised(IntegrityError, "23505"), 3, "a row cannot be stored in the target"),
    (TARGET, 'INSERT INTO "tokens_ring"', raised(DataError, "22001"), 3, "a row cannot be stored in the target"),
    (TARGET, 'FROM "tokens_user"', raised(OperationalError), 3, "--to: the database cannot be used"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("using", "part", "error", "code", "message"), ERRORS)
def test_a_statement_that_a_database_refuses_ends_the_move_with_the_code(
    migrated: str, monkeypatch: pytest.MonkeyPatch, using: str, part: str, error: Exception, code: int, message: str
) -> None:
    call_command("rotate_keys", verbosity=0)
    with psycopg.connect(migrated) as connection:
        names = {name for (name,) in connection.execute("SELECT tablename FROM pg_tables").fetchall()}
    # The settings of this process have the tables of the API, too.
    tables = [model for model in database_copy.tables() if model._meta.db_table in names]
    monkeypatch.setattr(database_copy, "tables", lambda: tables)
    monkeypatch.setattr(database_copy, "_migrate", lambda _: None)
    with failing(error, part, using=using), pytest.raises(CommandError, match=f"^{message}") as failed:
        call_command("move_database", "--to", migrated)
    assert failed.value.returncode == code
    with psycopg.connect(migrated) as connection:
        assert connection.execute("SELECT count(*) FROM tokens_signingkey").fetchone() == (0,)


def test_a_lock_in_the_target_is_no_row_that_cannot_be_stored(source: Source, target: str) -> None:
    source.at(target).run("migrate", "--verbosity", "0")
    with psycopg.connect(target) as other:
        other.execute(f"ALTER DATABASE {other.info.dbname} SET lock_timeout = '200ms'")
        other.commit()
        other.execute("LOCK TABLE tokens_user IN ROW EXCLUSIVE MODE")
        code, said = failed(source.here, "move_database", "--to", target)
    assert (code, "canceling statement due to lock timeout. Run the command again" in said) == (4, True), said
