"""The exit codes of the commands for signing keys.

A command that is used wrongly or fails exits with a code of the table in its help. It prints one line, and no
traceback.
"""

import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import OperationalError

from tests.tokens.factories import API
from tests.tokens.management.key_commands import refused, run
from tests.tokens.terminal import piped, typed
from tokens.management.exit_codes import EXIT_CODES, KEY_UNUSABLE, LOCKED, UNSAFE, USAGE
from tokens.models import Ring, SigningKey

TABLE = """
exit codes:
  0  done, or nothing is due
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or there is no such key or ring
  3  overdue, or refused because it would be unsafe
  4  the lock of the ring was held for 30 s, or the database interrupted the command or was busy: run it again
  5  a private key cannot be decrypted or failed its self-test: check KEY_ENCRYPTION_KEYS
"""


@pytest.mark.parametrize("name", ["rotate_keys", "revoke_key", "keys"])
def test_the_exit_codes_stand_in_the_help_as_they_are(name):
    assert TABLE in load_command_class("tokens", name).create_parser("manage.py", name).format_help()
    assert EXIT_CODES == TABLE
    assert (USAGE, UNSAFE, LOCKED, KEY_UNUSABLE) == (2, 3, 4, 5)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("revoke_key", "KID", "--reason", "x" * 201, "--yes"),
            "201 characters, and at most 200 can be stored",
        ),
        (("revoke_key", "KID", "--reason", " ", "--yes"), "--reason is empty"),
        (("revoke_key", "KID", "--reason", "\udcff", "--yes"), "reason is not valid UTF-8 text: '\\udcff'"),
        (("revoke_key", "KID", "--reason", "\0", "--yes"), "reason is not valid UTF-8 text: '\\x00'"),
        (("revoke_key", "\udcff", "--reason", "x", "--yes"), "kid is not valid UTF-8 text"),
        (("revoke_key", "KID", "--ring", "default", "--reason", "x", "--yes"), "--ring needs --all"),
        (("revoke_key", "--all", "--ring", "r" * 51, "--reason", "x", "--yes"), "there is no ring"),
        (("rotate_keys", "--ring", "r" * 51, "--algorithm", "ES256"), "cannot be named"),
        (("rotate_keys", "--ring", "orders.eu", "--algorithm", "ES256"), "cannot be named 'orders.eu'"),
        (("rotate_keys", "--ring", "a/b c", "--algorithm", "ES256"), "cannot be named"),
        (("rotate_keys", "--ring", "bücher", "--algorithm", "ES256"), "cannot be named"),
        (("rotate_keys", "--ring", "\udcff", "--algorithm", "ES256"), "ring is not valid UTF-8 text"),
        (("rotate_keys", "--ring", "r" * 51), "there is no ring"),
        (("rotate_keys", "--ring", "default", "--move", "\0"), "move is not valid UTF-8 text"),
        (("rotate_keys", "--cancel", "\udcff"), "cancel is not valid UTF-8 text"),
        (
            ("rotate_keys", "--dry-run", "--at", "9999-12-31"),
            "--at is too close to the first or last date of the calendar",
        ),
        (
            ("rotate_keys", "--dry-run", "--at", "0001-01-01T00:00+14:00"),
            "--at is too close to the first or last date of the calendar",
        ),
        (("keys", "--check", "--ring", "nowhere"), "there is no ring 'nowhere'"),
        (("keys", "--check", "--ring", "\0"), "ring is not valid UTF-8 text"),
        (("keys", "--ring", "\udcff"), "ring is not valid UTF-8 text"),
    ],
    ids=ascii,
)
def test_wrong_use_exits_with_2_and_says_what_is_wrong(arguments, problem):
    run("rotate_keys")
    kid = SigningKey.objects.get(signs_at=None).kid
    before = list(SigningKey.objects.values())
    code, message = refused(*(kid if argument == "KID" else argument for argument in arguments))
    assert (code, problem in message) == (2, True), message
    assert list(SigningKey.objects.values()) == before
    assert Ring.objects.count() == 1


@pytest.mark.django_db
def test_the_longest_reason_is_kept():
    run("rotate_keys")
    kid = SigningKey.objects.get(signs_at=None).kid
    run("revoke_key", kid, "--reason", "x" * 200, "--yes")
    assert SigningKey.objects.get(kid=kid).revoke_reason == "x" * 200


@pytest.mark.django_db
def test_without_a_terminal_the_error_names_yes_and_nothing_is_revoked(monkeypatch):
    run("rotate_keys")
    kid = SigningKey.objects.get(signs_at=None).kid
    piped(monkeypatch, "yes")
    code, message = refused("revoke_key", kid, "--reason", "leaked")
    assert (code, "add --yes" in message) == (2, True)
    assert SigningKey.objects.get(kid=kid).revoked_at is None


@pytest.mark.django_db
@pytest.mark.parametrize("lines", [[], ["y"], ["yes please"], [""]])
def test_every_answer_but_yes_revokes_nothing(monkeypatch, lines):
    run("rotate_keys")
    kid = SigningKey.objects.get(signs_at=None).kid
    typed(monkeypatch, *lines)
    assert refused("revoke_key", kid, "--reason", "leaked") == (3, "nothing was revoked")
    assert SigningKey.objects.get(kid=kid).revoked_at is None


@pytest.mark.django_db
def test_the_check_of_a_ring_ignores_other_rings(monkeypatch):
    code, message = refused("keys", "--check", "--ring", "default")
    assert (code, "no key yet" in message) == (3, True)
    run("rotate_keys")
    run("rotate_keys", "--ring", "orders", "--algorithm", "ES256")
    orders = SigningKey.objects.get(ring__name="orders", signs_at=None)
    run("rotate_keys", "--cancel", orders.kid)
    assert run("keys", "--check", "--ring", "orders") == "the signing keys are healthy\n"
    monkeypatch.setattr("tokens.keys.rules.lifecycle.standby", lambda keys: None if len(keys) == 3 else keys)
    assert run("keys", "--check", "--ring", "default") == "the signing keys are healthy\n"
    assert refused("keys", "--check")[1].startswith("orders: no standby")
    assert refused("keys", "--check", "--ring", "orders")[0] == 3


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [("rotate_keys", "--dry-run"), ("rotate_keys",), ("keys",), ("keys", "--check")])
def test_a_locked_database_exits_with_4_in_every_command(monkeypatch, arguments):
    def locked(*_arguments, **_options):
        raise OperationalError("database is locked")

    run("rotate_keys")
    monkeypatch.setattr("tokens.keys.rotation.transaction.atomic", locked)
    monkeypatch.setattr("tokens.keys.store.load", locked)
    assert refused(*arguments)[0] == 4


@pytest.mark.parametrize(
    "options", [{"algorithm": "ES256"}, {"move": API}, {"cancel": "kid", "now": True}, {"bits": 3072}]
)
def test_options_that_do_not_go_together_exit_with_2(options):
    with pytest.raises(CommandError) as failed:
        call_command("rotate_keys", **options)
    assert failed.value.returncode == 2


@pytest.mark.processes
@pytest.mark.parametrize(
    "arguments",
    [
        ("revoke_key", b"\xff", "--reason", "x", "--yes"),
        ("rotate_keys", "--dry-run", "--at", "tomorrow"),
        ("rotate_keys", "--bits", "1024", "--ring", "orders"),
        ("revoke_key", "kid"),
        ("keys", "--nonsense"),
    ],
    ids=ascii,
)
def test_from_the_shell_wrong_use_exits_with_2_in_a_line_without_a_traceback(tmp_path, arguments):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "project.settings.standalone",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'issuer.sqlite3'}",
    }
    command = [sys.executable, "manage.py", *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    assert ran.returncode == 2, ran.stderr
    assert b"Traceback" not in ran.stderr
