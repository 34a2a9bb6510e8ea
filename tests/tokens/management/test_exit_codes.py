"""Every command of the issuer exits with a code that names the kind of the error, and prints one line."""

import json
import logging
import sys
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import DataError, IntegrityError, InterfaceError, InternalError, OperationalError, connection

from tests.database_errors import raised
from tests.tokens.management.test_json import OWN
from tokens.encryption import MalformedEncryptionKey
from tokens.keys.errors import CannotOpen, LockNotHad, NotReady, UnknownKey, Unsafe, WrongRing
from tokens.management.exit_codes import FAILED, KEY_UNUSABLE, LOCKED, UNSAFE, USAGE
from tokens.management.operator_command import KeyCommand, OperatorCommand
from tokens.registry_lock import RegistryLocked

COMMANDS = [name for app, name in OWN if app == "tokens"]
OTHER_CODES = {"check_proxy", "conformance", "inspect_token"}
"""Commands whose exit codes 3 and 4 have other meanings, so that every other error exits with 1."""
INTERRUPTED = "another process or a time limit interrupted the command: "
UNAVAILABLE = "the database is not available at the moment: "
ERRORS = {
    "no such server": (raised(OperationalError), FAILED, "the database (DATABASE_URL) cannot be used: "),
    "a connection that failed": (raised(OperationalError, "08006"), LOCKED, UNAVAILABLE),
    "a server that shuts down": (raised(OperationalError, "57P01"), LOCKED, UNAVAILABLE),
    "a server that crashed": (raised(OperationalError, "57P02"), LOCKED, UNAVAILABLE),
    "a server that starts": (raised(OperationalError, "57P03"), LOCKED, UNAVAILABLE),
    "a server without a free connection": (raised(OperationalError, "53300"), LOCKED, UNAVAILABLE),
    "a full disk": (raised(OperationalError, "53100"), FAILED, "the database (DATABASE_URL) cannot be used: "),
    "a closed connection": (raised(InterfaceError), FAILED, "the database (DATABASE_URL) cannot be used: "),
    "a read-only database": (raised(InternalError, "25006"), FAILED, "the database (DATABASE_URL) cannot be used: "),
    "a lock timeout": (raised(OperationalError, "55P03"), LOCKED, INTERRUPTED),
    "a deadlock": (raised(OperationalError, "40P01"), LOCKED, INTERRUPTED),
    "a serialization failure": (raised(OperationalError, "40001"), LOCKED, INTERRUPTED),
    "a statement timeout": (raised(OperationalError, "57014"), LOCKED, INTERRUPTED),
    "an idle transaction": (raised(InternalError, "25P03"), LOCKED, INTERRUPTED),
    "a transaction timeout": (raised(InternalError, "25P04"), LOCKED, INTERRUPTED),
    "a locked SQLite file": (OperationalError("database is locked"), LOCKED, INTERRUPTED),
    "a conflict": (raised(IntegrityError, "23505"), UNSAFE, "the database refused the change: "),
    "a value that does not fit": (raised(DataError, "22001"), USAGE, "the database cannot store a value: "),
    "a locked registry": (RegistryLocked("locked"), LOCKED, "locked"),
    "a locked ring": (LockNotHad("locked"), LOCKED, "locked"),
    "an unsafe step": (Unsafe("unsafe"), UNSAFE, "unsafe"),
    "no key": (NotReady("no key"), UNSAFE, "no key"),
    "an unknown key": (UnknownKey("no such key"), USAGE, "no such key"),
    "a wrong ring": (WrongRing("no such ring"), USAGE, "no such ring"),
    "a key that does not decrypt": (CannotOpen("not decrypted"), KEY_UNUSABLE, "not decrypted"),
    "a malformed encrypting key": (MalformedEncryptionKey("malformed"), KEY_UNUSABLE, "malformed"),
}


def failure(command, error, monkeypatch):
    """Return the exit code and the message of the command if its `handle` raises `error`."""

    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(command, "handle", fail)
    with pytest.raises(CommandError) as failed:
        command.execute(skip_checks=True, force_color=False, no_color=False)
    return failed.value.returncode, str(failed.value)


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.django_db
def test_a_command_translates_each_kind_of_error(kind, monkeypatch):
    error, code, message = ERRORS[kind]
    exit_code, text = failure(load_command_class("tokens", "purge_tokens"), error, monkeypatch)
    assert (exit_code, text.startswith(message)) == (code, True), (exit_code, text)
    assert "\n" not in text


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.django_db
def test_every_command_translates_the_errors(name, monkeypatch):
    command = load_command_class("tokens", name)
    assert isinstance(command, OperatorCommand)
    assert command.has_own_codes == (name in OTHER_CODES)
    codes = [failure(command, error, monkeypatch)[0] for error, _, _ in ERRORS.values()]
    assert codes == [FAILED if name in OTHER_CODES else code for _, code, _ in ERRORS.values()]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_lists_its_exit_codes(name):
    text = load_command_class("tokens", name).create_parser("manage.py", name).format_help()
    _, _, codes = text.partition("exit codes:\n")
    listed = [int(line.split()[0]) for line in codes.splitlines() if line[:3].strip().isdigit()]
    missing = {FAILED, USAGE} if name in OTHER_CODES else {FAILED, USAGE, UNSAFE, LOCKED}
    assert missing - set(listed) == set()
    assert listed == sorted(set(listed))


@pytest.mark.django_db
@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_command_prints_lines_of_the_audit_log_except_on_a_terminal(is_terminal, monkeypatch, audit_lines):
    monkeypatch.setattr(logging.getLogger("tokens.audit"), "propagate", True)  # restores it after the test
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    call_command(*CREATE, stdout=StringIO())
    assert len(audit_lines("api.created")) == (0 if is_terminal else 1)


def test_an_error_of_the_program_stays_a_traceback(monkeypatch):
    command = load_command_class("tokens", "purge_tokens")
    monkeypatch.setattr(command, "handle", lambda *_, **__: {}["missing"])
    with pytest.raises(KeyError):
        command.execute(skip_checks=True, force_color=False, no_color=False)


@pytest.fixture
def statement_fails():
    """Return a function that lets the database raise `error` at each statement with the text `part`."""

    def fail(error, part):
        def wrapper(execute, sql, params, many, context):
            if part in sql:
                raise error
            return execute(sql, params, many, context)

        return connection.execute_wrapper(wrapper)

    return fail


CREATE = ("create_api", "--identifier", "https://orders.example/", "--name", "Orders")
PURGE, REVOKE = ("purge_tokens", "--json"), ("revoke_tokens", "--all", "--yes", "--json")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("command", "part", "kind"),
    [
        (REVOKE, "UPDATE", "a deadlock"),
        (REVOKE, "INSERT", "a conflict"),
        (REVOKE, "UPDATE", "a lock timeout"),
        (PURGE, "DELETE", "a deadlock"),
        (PURGE, "DELETE", "a statement timeout"),
        (("audit",), "tokens_auditevent", "a connection that failed"),
        (("export",), "tokens_api", "a locked SQLite file"),
        (CREATE, "INSERT", "a conflict"),
        (CREATE, "INSERT", "a value that does not fit"),
        (CREATE, "INSERT", "a read-only database"),
        (("send_logouts", "--once"), "tokens_", "a deadlock"),
    ],
)
def test_a_statement_that_the_database_refuses_ends_the_command_with_the_code(
    command, part, kind, statement_fails, django_user_model
):
    django_user_model.objects.create_user("ada")
    error, code, message = ERRORS[kind]
    with statement_fails(error, part), pytest.raises(CommandError) as failed:
        call_command(*command, stdout=StringIO(), stderr=StringIO())
    assert failed.value.returncode == code
    assert str(failed.value).startswith(message)


@pytest.mark.django_db(transaction=True)
def test_a_command_whose_codes_have_other_meanings_exits_with_1_if_a_row_is_locked(statement_fails):
    error = ERRORS["a locked SQLite file"][0]
    with statement_fails(error, "tokens_"), pytest.raises(CommandError) as failed:
        call_command("conformance", "--profile", "fapi2", stdout=StringIO())
    assert failed.value.returncode == FAILED
    call_command("purge_tokens", "--json", stdout=(out := StringIO()))
    assert json.loads(out.getvalue())["dry_run"] is False


def test_a_ring_that_another_process_holds_does_not_stop_the_command_for_the_next_rings():
    command = KeyCommand(stdout=StringIO(), stderr=StringIO())

    def act(ring: str) -> str:
        if ring == "held":
            raise raised(OperationalError, "55P03")
        return f"{ring}: done"

    with pytest.raises(LockNotHad, match="another process held the ring for 30 s"):
        command.for_each(["held", "free"], act)
    assert command.stdout.getvalue() == "free: done\n"
    assert command.stderr.getvalue().startswith("held: another process held the ring for 30 s")


@pytest.mark.django_db
def test_a_command_prints_no_row_that_the_database_refused(monkeypatch):
    primary = 'null value in column "kid" of relation "tokens_signingkey" violates not-null constraint'
    error = raised(IntegrityError, "23502", text=f"{primary}\nDETAIL:  Failing row contains (7, sealed).")
    error.__cause__.diag = SimpleNamespace(message_primary=primary, constraint_name=None)
    _, message = failure(load_command_class("tokens", "purge_tokens"), error, monkeypatch)
    assert message.startswith(f"the database refused the change: {primary}. ")
    assert "sealed" not in message


@pytest.mark.parametrize("kind", ["a deadlock", "a serialization failure", "a conflict"])
def test_a_step_that_the_database_interrupted_does_not_stop_the_command_for_the_next_rings(kind):
    command = KeyCommand(stdout=StringIO(), stderr=StringIO())
    error, _, message = ERRORS[kind]

    def act(ring: str) -> str:
        if ring == "interrupted":
            raise error
        return f"{ring}: done"

    with pytest.raises(type(error)) as failed:
        command.for_each(["interrupted", "free"], act)
    assert failed.value is error
    assert command.stdout.getvalue() == "free: done\n"
    assert command.stderr.getvalue().startswith(f"interrupted: {message}")
    assert command.stderr.getvalue().count("\n") == 1


def test_a_lost_connection_stops_the_command_at_the_first_ring():
    command, steps = KeyCommand(stdout=StringIO(), stderr=StringIO()), []

    def act(ring: str) -> str:
        steps.append(ring)
        raise ERRORS["a connection that failed"][0]

    with pytest.raises(OperationalError):
        command.for_each(["first", "second"], act)
    assert steps == ["first"]
