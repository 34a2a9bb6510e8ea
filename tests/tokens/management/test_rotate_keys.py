"""`rotate_keys`, `revoke_key` and `keys`: output and exit codes."""

import json
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import OperationalError

from tests.tokens.management.key_commands import refused, run
from tokens.keys import store
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
