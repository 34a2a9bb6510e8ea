"""Commands find signing keys by their kid, or by the first characters of the kid."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from tests.tokens.keys.rows import ROWS, written
from tokens.keys import kids
from tokens.keys.errors import UnknownKey
from tokens.models import Ring, SigningKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def ring_of(monkeypatch):
    """Return a function that makes the database have signing keys with the given kids only.

    The keys have no key material.
    """

    def make(*names):
        rows = [SigningKey(kid=name, ring=Ring(name="default")) for name in names]
        monkeypatch.setattr(kids.SigningKey.objects, "select_related", lambda _: rows)

    return make


@pytest.mark.parametrize(
    ("text", "kid"),
    [
        ("Abcdef", "Abcdef-long-one"),
        ("Abcdef…", "Abcdef-long-one"),
        ("Abcdef-long-one", "Abcdef-long-one"),
        ("short", "short"),
        ("twin-key", "twin-key"),
    ],
    ids=["its beginning", "as logs print it", "whole", "whole and short", "whole, and the beginning of another"],
)
def test_a_key_is_found(ring_of, text, kid):
    ring_of("Abcdef-long-one", "short", "twin-key", "twin-key-2")
    assert kids.find(text).kid == kid


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Abcde", "too short to name a key: write 6 characters"),
        ("abcdef", "there is no key abcdef"),
        ("bcdef-long", "there is no key bcdef-long"),
        ("Abcdef-long-one-more", "there is no key"),
        ("twin-ke", "the beginning of 2 kids"),
        ("…", "too short"),
    ],
)
def test_a_text_that_matches_no_key_or_several_is_refused_with_the_reason(ring_of, text, why):
    ring_of("Abcdef-long-one", "short", "twin-key", "twin-key-2")
    with pytest.raises(UnknownKey, match=why):
        kids.find(text)


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def printed(phase):
    """Return the part of the kid that the command `keys` prints for the key in this phase."""
    return next(line.split()[0] for line in run("keys").splitlines() if line.split()[1] == phase)


def test_the_characters_that_keys_prints_are_enough_for_revoke_key_and_cancel():
    run("rotate_keys")
    standby = printed("announced")
    assert len(standby) == 12
    assert run("rotate_keys", "--cancel", standby).startswith(f"cancelled {standby}")
    signing = printed("signing")
    out = run("revoke_key", signing, "--reason", "leaked", "--yes", "--accept-outage", "--json")
    (revoked,) = json.loads(out)["kids"]
    assert revoked.startswith(signing)
    assert SigningKey.objects.get(kid=revoked).revoked_at <= timezone.now()


def test_the_beginning_of_no_key_exits_with_2():
    run("rotate_keys")
    with pytest.raises(CommandError, match="there is no key zzzzzzzz") as refused:
        run("revoke_key", "zzzzzzzz", "--reason", "x", "--yes")
    assert refused.value.returncode == 2


# keys that a journal calls revoked


def test_only_revoked_keys_that_can_still_be_published_are_listed_and_a_standby_comes_first():
    with connection.cursor() as cursor:
        for statement in ROWS:
            cursor.execute(written(statement, connection.vendor))
    revoked = [*SigningKey.objects.exclude(kid="signing").values_list("kid", flat=True), "of no row"]
    at = datetime(2031, 1, 1, tzinfo=UTC)
    revived = [key.kid for key in kids.revived(revoked, now=at)]
    assert revived == ["standby", "last", "next", "planned", "spent", "superseded"]
    before = datetime(2029, 1, 1, tzinfo=UTC)
    assert {key.kid for key in kids.revived(revoked, now=before)} - set(revived) == {"retired"}
