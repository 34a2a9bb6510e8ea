"""`rotate_keys`, `revoke_key` and `keys`: output and exit codes."""

import json
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import OperationalError

from tests.tokens.management.key_commands import refused, run
from tokens.audit import jobs
from tokens.keys import store
from tokens.management.commands.rotate_keys import Command, check_options
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


def test_a_first_run_then_nothing_due():
    assert run("rotate_keys").startswith("created the first key and its standby; signs from ")
    assert run("rotate_keys").startswith("nothing due; next step at ")


def test_a_dry_run_at_a_later_time_prints_the_step_of_then():
    run("rotate_keys")
    then = store.database_now() + timedelta(days=91)
    out = json.loads(run("rotate_keys", "--dry-run", "--at", then.isoformat(), "--json"))
    assert out["step"] == "planned"
    assert json.loads(run("rotate_keys", "--json"))["step"] == "nothing"


@pytest.mark.parametrize(
    "arguments",
    [
        ("rotate_keys", "--at", "2027-01-01"),
        ("rotate_keys", "--rewrap", "--now"),
        ("revoke_key", "--reason", "x", "--yes"),
        ("revoke_key", "kid", "--all", "--reason", "x", "--yes"),
        ("revoke_key", "kid", "--reason", "x", "--json"),
        ("revoke_key", "nobody", "--reason", "x", "--yes"),
        ("keys", "--ring", "nowhere"),
    ],
)
def test_wrong_use_exits_with_2(arguments):
    assert refused(*arguments)[0] == 2


AT_NEEDS = "--at needs --dry-run: changes always happen now"
REWRAP_ALONE = "--rewrap can only be combined with --ring and --json"
CANCEL_ALONE = "--cancel can only be combined with --json"
MOVE_NEEDS = "--move needs --ring, the ring that is to sign for the API"
MOVE_ALONE = "--move can only be combined with --ring, --dry-run and --json"
RING_NEEDED = "--algorithm, --bits and --keystore need --ring"
REFUSED = [
    ("--at 2027-01-01", AT_NEEDS),
    ("--rewrap --now", REWRAP_ALONE),
    ("--rewrap --dry-run", REWRAP_ALONE),
    ("--rewrap --dry-run --at 2027-01-01", REWRAP_ALONE),
    ("--rewrap --ring orders --algorithm ES256", REWRAP_ALONE),
    ("--rewrap --ring orders --bits 3072", REWRAP_ALONE),
    ("--rewrap --ring orders --keystore database", REWRAP_ALONE),
    ("--cancel kid --now", CANCEL_ALONE),
    ("--cancel kid --dry-run", CANCEL_ALONE),
    ("--cancel kid --dry-run --at 2027-01-01", CANCEL_ALONE),
    ("--cancel kid --rewrap", CANCEL_ALONE),
    ("--cancel kid --ring orders", CANCEL_ALONE),
    ("--cancel kid --ring orders --move api", CANCEL_ALONE),
    ("--cancel kid --algorithm ES256", CANCEL_ALONE),
    ("--cancel kid --bits 3072", CANCEL_ALONE),
    ("--cancel kid --keystore database", CANCEL_ALONE),
    ("--move api", MOVE_NEEDS),
    ("--move api --dry-run", MOVE_NEEDS),
    ("--move api --cancel kid", MOVE_NEEDS),
    ("--move api --ring orders --now", MOVE_ALONE),
    ("--move api --ring orders --dry-run --at 2027-01-01", MOVE_ALONE),
    ("--move api --ring orders --rewrap", MOVE_ALONE),
    ("--move api --ring orders --algorithm ES256", MOVE_ALONE),
    ("--move api --ring orders --bits 3072", MOVE_ALONE),
    ("--move api --ring orders --keystore database", MOVE_ALONE),
    ("--algorithm ES256", RING_NEEDED),
    ("--bits 3072", RING_NEEDED),
    ("--keystore database", RING_NEEDED),
]
"""Options that do not go together, each with the message of the command."""
ACCEPTED = [
    "",
    "--json",
    "--now --dry-run --json",
    "--dry-run --at 2027-01-01 --now",
    "--rewrap --ring orders --json",
    "--cancel kid --json",
    "--move api --ring orders --dry-run --json",
    "--ring orders --algorithm RS256 --bits 3072 --keystore database --now --dry-run --at 2027-01-01",
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_options_that_do_not_go_together_are_refused(options, message):
    assert refused("rotate_keys", *options.split()) == (2, message)


@pytest.mark.parametrize("options", ACCEPTED)
def test_options_that_go_together_are_accepted(options):
    parsed = Command().create_parser("manage.py", "rotate_keys").parse_args(options.split())
    check_options(vars(parsed))


@pytest.mark.parametrize("options", ["--ring default", "--dry-run", "--rewrap", "--cancel KID"])
def test_only_a_run_that_rotates_every_ring_is_noted_as_the_job(options):
    run("rotate_keys", "--ring", "default")
    standby = SigningKey.objects.get(signs_at=None).kid
    run("rotate_keys", *options.replace("KID", standby).split())
    assert jobs.states(now=store.database_now())[0].ended_at is None
    run("rotate_keys")
    assert jobs.states(now=store.database_now())[0].ended_at is not None


def test_a_wrong_encrypting_key_exits_with_5_everywhere(settings):
    run("rotate_keys")
    kid = SigningKey.objects.get(signs_at=None).kid
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    for arguments in (
        ("rotate_keys",),
        ("rotate_keys", "--rewrap"),
        ("revoke_key", kid, "--reason", "x", "--yes"),
        ("keys", "--check"),
    ):
        code, message = refused(*arguments)
        assert (code, "KEY_ENCRYPTION_KEYS" in message) == (5, True), arguments
    assert SigningKey.objects.count() == 2


def test_a_lock_timeout_exits_with_4():
    run("rotate_keys")
    with patch("tokens.keys.lock.Ring.objects.select_for_update", side_effect=OperationalError("database is locked")):
        code, message = refused("rotate_keys")
    assert (code, "nothing was done" in message) == (4, True)
