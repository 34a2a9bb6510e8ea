"""The timeline of a key ring: its phases, the expiry of its last tokens, and its next step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tokens.keys.rules.lifecycle import Key, Phase
from tokens.keys.rules.policy import PRODUCTION
from tokens.keys.rules.timeline import next_step, timeline

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + 11 * DAY
A = Key(kid="a", announced_at=START, signs_at=START, withdraw_at=START + 20 * DAY, max_lifetime=HOUR)
B = Key(kid="b", announced_at=START + DAY, signs_at=START + 10 * DAY, max_lifetime=HOUR)
C = Key(kid="c", announced_at=START + 10 * DAY, max_lifetime=HOUR)


def lines(*keys):
    return {line.kid: line for line in timeline(keys, policy=PRODUCTION, now=NOW)}


def test_each_phase_ends_where_the_next_begins_and_the_last_has_no_end():
    drawn = lines(C, B, A)
    assert list(drawn) == ["a", "b", "c"], "the oldest first"
    assert [(part.phase, part.start, part.end) for part in drawn["a"].stretches] == [
        (Phase.SIGNING, START, START + 10 * DAY),
        (Phase.RETIRED, START + 10 * DAY, START + 20 * DAY),
        (Phase.WITHDRAWN, START + 20 * DAY, None),
    ]
    assert [part.phase for part in drawn["c"].stretches] == [Phase.ANNOUNCED]
    assert [line.may_sign for line in drawn.values()] == [False, True, True]


def test_the_last_token_of_a_key_expires_after_its_successor_has_started():
    drawn = lines(A, B, C)
    assert drawn["a"].last_token_expires_at == START + 10 * DAY + PRODUCTION.last_acceptance(HOUR)
    assert (drawn["b"].last_token_expires_at, drawn["c"].last_token_expires_at) == (None, None)


def test_a_revoked_key_reaches_no_later_phase():
    drawn = lines(A, replace(B, revoked_at=START + 5 * DAY), C)
    assert [part.phase for part in drawn["b"].stretches] == [Phase.ANNOUNCED, Phase.REVOKED]
    assert drawn["b"].last_token_expires_at is None, "it has signed nothing"


def test_no_api_accepts_a_revoked_key_after_it_has_dropped_it():
    drawn = lines(replace(A, revoked_at=START + 5 * DAY), B, C)
    assert drawn["a"].last_token_expires_at == START + 5 * DAY + PRODUCTION.rejection


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ([], "rotate_keys creates the first key"),
        ([A, B], "rotate_keys announces a standby"),
        ([A, B, C], "rotate_keys plans the next switch"),
        ([A, B, replace(C, signs_at=NOW + DAY)], "c takes over"),
        ([A, replace(B, revoked_at=NOW), C], "rotate_keys plans the flush of b"),
    ],
)
def test_the_next_step_is_the_first_that_is_due(keys, text):
    assert next_step(keys, policy=PRODUCTION, now=NOW)[0] == text
