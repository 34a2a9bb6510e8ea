"""The choice of the key that signs, from a snapshot of a ring, and how long the choice is cached."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tokens.keys import keyring
from tokens.keys.errors import NotReady
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import PRODUCTION

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OLD = Key(kid="old", announced_at=NOW - 3 * DAY, max_lifetime=MINUTE, signs_at=NOW - DAY, withdraw_at=NOW + 9 * DAY)
NEW = Key(kid="new", announced_at=NOW - 3 * DAY, max_lifetime=MINUTE, signs_at=NOW + MINUTE)


def ring(*keys, changed=()):
    """Return the snapshot of a key ring with these keys. All their private keys can be decrypted.

    `changed` are further keys, whose rows were changed by hand.
    """
    return Snapshot(
        stored=tuple(SimpleNamespace(key=key, algorithm="RS256", jwk={}) for key in keys),
        pairs={key.kid: SimpleNamespace(kid=key.kid, algorithm="RS256", sign=bytes) for key in keys},
        missing=frozenset(),
        policy=PRODUCTION,
        clock_time=NOW,
        wall_time=NOW,
        monotonic=0.0,
        monotonic_clock=lambda: 0.0,
        changed=tuple(changed),
    )


@pytest.fixture
def signer_of(monkeypatch):
    """Return a function that returns the kid of the key that signs.

    Its arguments are a snapshot and the number of seconds since the snapshot was read.
    """

    def signs(snapshot, seconds):
        monkeypatch.setattr(keyring, "snapshots", SimpleNamespace(get=lambda _ring, now: snapshot, forget=lambda: None))
        now = NOW + timedelta(seconds=seconds)
        signing = keyring.for_audience("https://api.example/", now=now)
        assert (signing.ring, signing.issued_at) == ("default", now)
        assert signing.signer.kid == keyring.signer(now=now).kid
        return signing.signer.kid

    return signs


def test_a_remembered_signer_gives_way_at_the_planned_switch(signer_of):
    snapshot = ring(OLD, NEW)
    assert [signer_of(snapshot, seconds) for seconds in (0, 59, 60, 61, 30)] == ["old", "old", "new", "new", "old"]


def test_a_remembered_signer_gives_way_to_a_newer_snapshot(signer_of):
    assert signer_of(ring(OLD, NEW), 0) == "old"
    revoked = Key(kid="old", announced_at=NOW - 3 * DAY, max_lifetime=MINUTE, signs_at=NOW - DAY, revoked_at=NOW)
    with pytest.raises(NotReady, match="no key may sign"):
        signer_of(ring(revoked, NEW), 0)


def test_a_remembered_signer_is_refused_once_an_altered_row_might_have_taken_over(signer_of):
    snapshot = ring(OLD, NEW, changed=[Key(kid="x", announced_at=NOW, max_lifetime=MINUTE, signs_at=NOW + MINUTE / 2)])
    assert signer_of(snapshot, 29) == "old"
    with pytest.raises(NotReady, match="does not verify"):
        signer_of(snapshot, 30)
