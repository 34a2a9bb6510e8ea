"""`revoke_key`: its report of consequences, its confirmation, and the flush.

The flush is the later switch that makes verifiers drop the revoked key.
"""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError

from tests.clock import clocks_at
from tests.tokens.management.key_commands import refused, run
from tests.tokens.terminal import typed
from tokens.keys import store
from tokens.management.commands.revoke_key import check_options
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


def test_a_revocation_prints_its_consequences_and_asks(monkeypatch):
    run("rotate_keys")
    kid = SigningKey.objects.get(signs_at__isnull=False).kid
    typed(monkeypatch, "no")
    assert refused("revoke_key", kid, "--reason", "leaked") == (3, "nothing was revoked")
    typed(monkeypatch, "yes", "yes")
    code, message = refused("revoke_key", kid, "--reason", "leaked")
    assert (code, "--accept-outage" in message) == (3, True), "its standby was announced a moment ago"
    out = run("revoke_key", kid, "--reason", "leaked", "--accept-outage")
    assert f"revoked: {kid}" in out
    assert "APIs can accept it until" in out
    assert "APIs may refuse its tokens until" in out


@pytest.fixture
def propagated(at):
    """Yield a time at which every API has the standby key. The clocks show this time."""
    run("rotate_keys")
    late = store.database_now() + timedelta(days=3)
    with clocks_at(late):
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


def test_an_empty_kid_does_not_count_as_absent():
    options = {"kid": "", "all": True, "ring": None, "json": False, "yes": True, "reason": "leaked"}
    with pytest.raises(CommandError, match="pass either one kid or --all") as failed:
        check_options(options)
    assert failed.value.returncode == 2
