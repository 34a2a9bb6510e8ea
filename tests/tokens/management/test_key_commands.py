"""`rotate_keys`, `revoke_key` and `keys`: output and exit codes."""

import json
from datetime import timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from tokens.clients import client_secret
from tokens.encryption import parse
from tokens.keys import store
from tokens.models import Client, SigningKey

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return error.value.returncode, str(error.value)


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


def test_a_revocation_prints_its_consequences_and_asks(monkeypatch):
    run("rotate_keys")
    kid = SigningKey.objects.get(signs_at__isnull=False).kid
    monkeypatch.setattr("builtins.input", lambda _question: "no")
    assert refused("revoke_key", kid, "--reason", "leaked") == (3, "nothing was revoked")
    monkeypatch.setattr("builtins.input", lambda _question: "yes")
    code, message = refused("revoke_key", kid, "--reason", "leaked")
    assert (code, "--accept-outage" in message) == (3, True), "its standby was announced a moment ago"
    out = run("revoke_key", kid, "--reason", "leaked", "--accept-outage")
    assert f"revoked: {kid}" in out
    assert "APIs may accept it until" in out
    assert "APIs may refuse its tokens until" in out


@pytest.fixture
def propagated(at):
    """Return a time at which every API has the standby, and set the clocks to it."""
    run("rotate_keys")
    late = store.database_now() + timedelta(days=3)
    with (
        patch("tokens.keys.store.database_now", return_value=late),
        at(late),
    ):
        yield late


def test_a_revocation_prints_the_flush_and_keys_shows_it(propagated):
    kid = SigningKey.objects.get(signs_at__isnull=False).kid
    done = json.loads(run("revoke_key", kid, "--reason", "leaked", "--yes", "--json"))
    flush = SigningKey.objects.get(kid=done["flush_kid"])
    assert flush.signs_at == propagated + timedelta(hours=48)
    at = f"{flush.signs_at:%Y-%m-%d %H:%M:%S} UTC"
    output = run("keys")
    assert f"next: {flush.kid} takes over, and flushes {kid}, {at}" in output
    assert f"flush {at}" in next(line for line in output.splitlines() if kid[:12] in line)
    ring = json.loads(run("keys", "--json"))["rings"][0]
    flushes = {key["kid"]: key["flush_at"] for key in ring["keys"]}
    assert flushes.pop(kid) == done["flush_at"]
    assert set(flushes.values()) == {None}


@pytest.mark.parametrize(
    ("duration", "seconds"), [("540", 540), ("540s", 540), ("10m", 600), ("12h", 43200), ("2d", 172800)]
)
def test_a_flush_can_be_brought_forward(propagated, duration, seconds):
    kid = SigningKey.objects.get(signs_at__isnull=False).kid
    run("revoke_key", kid, "--reason", "leaked", "--yes", "--flush-after", duration)
    assert SigningKey.objects.get(signs_at__gt=propagated).signs_at == propagated + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("duration", "code", "message"),
    [
        ("539s", 3, "it must be at least N + C + 2δ = 0:09:00"),
        ("49h", 3, "at most 2 days, 0:00:00"),
        ("soon", 1, "not a duration such as 90s, 10m, 12h or 2d"),
        ("0m", 1, "not a duration"),
        ("10 m", 1, "not a duration"),
        ("٣m", 1, "not a duration"),
        ("9999999d", 1, "not a duration"),
    ],
)
def test_a_flush_out_of_its_bounds_is_refused_and_nothing_revoked(propagated, duration, code, message):
    kid = SigningKey.objects.get(signs_at__isnull=False).kid
    refusal = refused("revoke_key", kid, "--reason", "leaked", "--yes", "--flush-after", duration)
    assert (refusal[0], message in refusal[1]) == (code, True), refusal
    assert SigningKey.objects.get(kid=kid).revoked_at is None


def test_the_timeline_shows_every_key_with_its_phase_and_the_next_step():
    run("rotate_keys")
    out = run("keys")
    for key in SigningKey.objects.all():
        assert key.kid[:12] in out
    assert "signing" in out
    assert "announced" in out
    assert "next: rotate_keys plans the next switch" in out
    output = json.loads(run("keys", "--json"))["rings"][0]
    assert {key["phase"] for key in output["keys"]} == {"signing", "announced"}
    assert output["policy"]["token_lifetime"] == 3600.0


def test_the_check_fails_before_the_first_key_and_if_rotation_is_overdue(at):
    code, message = refused("keys", "--check")
    assert (code, "no key yet" in message) == (3, True)
    run("rotate_keys")
    assert run("keys", "--check") == "the signing keys are healthy\n"
    late = store.database_now() + timedelta(days=92)
    with (
        patch("tokens.keys.store.database_now", return_value=late),
        at(late),
    ):
        code, message = refused("keys", "--check")
    assert (code, "rotate_keys does not run" in message) == (3, True)


def test_the_check_names_a_former_encrypting_key_while_a_client_secret_needs_it(settings):
    """Three stages: one value; a new value in front of the former; the former value dropped too early."""
    run("rotate_keys")
    former, first = settings.ISSUER["KEY_ENCRYPTION_KEYS"][0], "Z" * 43
    client, key_id = Client.objects.create(name="webapp"), parse([former])[0].id
    used, idle = (client_secret.create(client, now=timezone.now()) for _ in range(2))
    assert run("keys", "--check") == "the signing keys are healthy\n"

    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": [first, former]}
    run("rotate_keys", "--rewrap")
    client_secret.matches(client_secret.stored_of(client), used, now=timezone.now())
    note, well = run("keys", "--check").splitlines()
    assert note.startswith(f"note: live client secrets hashed under {key_id}: 1; do not drop that value")
    assert well == "the signing keys are healthy", "nothing is wrong: the exit code is 0"
    problems = json.loads(run("keys", "--check", "--json"))["problems"]
    assert [(one["code"], one["ring"]) for one in problems] == [("former_key", "")]

    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": [first]}
    code, message = refused("keys", "--check")
    assert (code, message.startswith(f"settings: live client secrets hashed under {key_id}: 1; ")) == (3, True)
    assert "put its value back" in message
    with pytest.raises(client_secret.LostKey, match=key_id):
        client_secret.matches(client_secret.stored_of(client), idle, now=timezone.now())
    assert client_secret.matches(client_secret.stored_of(client), used, now=timezone.now())
    client.secrets.filter(encryption_key_id=key_id).update(revoked_at=timezone.now())
    assert run("keys", "--check") == "the signing keys are healthy\n"
