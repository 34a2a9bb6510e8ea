"""DPoP nonces, which are made from time windows.

The tests are about when each nonce is accepted, and that an attacker cannot predict nonces.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tokens.dpop import nonce, replay
from tokens.dpop.proof import WINDOW

NOW = datetime(2026, 11, 29, 12, 0, 30, tzinfo=UTC)
"""The middle of a window."""


def is_accepted(given, *, after, secrets=("one",)):
    return given in nonce.accepted(secrets, now=NOW + timedelta(seconds=after))


def test_a_nonce_has_the_syntax_of_the_rfc_and_128_bits():
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", nonce.current(["one"], now=NOW))


def test_each_window_and_each_secret_has_another_nonce():
    later = NOW + nonce.WINDOW
    assert len({nonce.current([secret], now=at) for secret in ("one", "two") for at in (NOW, later)}) == 4


@pytest.mark.parametrize(
    ("after", "accepted"),
    [
        *((after, True) for after in (0, 29, 30, 89, -30, -31, -90)),
        *((after, False) for after in (90, -91)),
    ],
)
def test_a_nonce_is_accepted_in_its_window_and_in_those_beside_it(after, accepted):
    assert is_accepted(nonce.current(["one"], now=NOW), after=after) is accepted


def test_a_nonce_by_a_fallback_secret_is_accepted_and_by_another_secret_not():
    given = nonce.current(["old"], now=NOW)
    assert is_accepted(given, after=0, secrets=("new", "old"))
    assert not is_accepted(given, after=0, secrets=("new",))


def test_clients_get_the_nonce_by_the_current_secret():
    assert nonce.current(["new", "old"], now=NOW) == nonce.current(["new"], now=NOW)


def test_the_longest_use_covers_every_accepted_nonce():
    first = next(s for s in range(-200, 0) if is_accepted(nonce.current(["one"], now=NOW), after=s))
    last = max(s for s in range(200) if is_accepted(nonce.current(["one"], now=NOW), after=s))
    assert timedelta(seconds=last - first) < nonce.LONGEST_USE


def test_the_row_of_a_used_proof_is_kept_longer_than_the_proof_is_accepted():
    """The database row about a used proof is kept until the proof cannot be accepted any more.

    A proof can be accepted until its `iat` is too old, or until its nonce has expired. The test computes this for the
    greatest `iat` and the newest nonce that are accepted now.
    """
    start = datetime(2026, 1, 1, tzinfo=UTC)
    accepted = set(nonce.accepted(["s"], now=start))
    minutes = (timedelta(minutes=number) for number in range(10))
    last = max(age for age in minutes if accepted & set(nonce.accepted(["s"], now=start + age))) + timedelta(minutes=1)
    assert last <= replay.KEPT
    assert 2 * WINDOW <= replay.KEPT, "iat can be WINDOW ahead"
