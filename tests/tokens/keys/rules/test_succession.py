"""The dates of a planned switch of signing keys.

The tests have the worked example of the module `succession`, and longer timings.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import PRODUCTION
from tokens.keys.rules.succession import earliest, lengthen, supersede, withdrawals

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A = Key(kid="a", announced_at=NOON - 30 * DAY, signs_at=NOON - 30 * DAY, max_lifetime=HOUR)
B = Key(kid="b", announced_at=NOON, max_lifetime=HOUR)
LATER = NOON + 7 * DAY
LONGER = replace(PRODUCTION, token_lifetime=30 * DAY)


def test_a_key_starts_when_every_api_has_it():
    assert earliest(B, now=NOON, policy=PRODUCTION) == NOON + DAY + 9 * MINUTE


def test_a_key_that_every_api_has_starts_once_every_node_has_read_the_plan():
    assert earliest(B, now=LATER, policy=PRODUCTION) == LATER + 3 * MINUTE


def test_the_key_before_it_is_withdrawn_after_its_last_token_and_after_keep():
    a, b = supersede((A, B), "b", at=LATER, now=LATER, policy=PRODUCTION)
    assert (b.signs_at, b.withdraw_at, a.withdraw_at) == (LATER, None, LATER + PRODUCTION.keep)
    short = replace(PRODUCTION, keep=timedelta(0))
    assert supersede((A, B), "b", at=LATER, now=LATER, policy=short)[0].withdraw_at == LATER + 71 * MINUTE


def test_a_key_that_was_withdrawn_stays_withdrawn():
    gone = replace(A, withdraw_at=LATER)
    assert withdrawals((gone, replace(B, signs_at=NOON)), policy=LONGER, now=LATER)[0] == gone


def test_longer_tokens_are_for_keys_that_can_still_sign_and_move_their_withdrawals():
    retired = replace(A, withdraw_at=LATER + DAY)
    signing = replace(B, signs_at=NOON)
    planned = Key(kid="c", announced_at=NOON, signs_at=LATER + HOUR, max_lifetime=HOUR)
    after = lengthen((retired, signing, planned), before=PRODUCTION, policy=LONGER, now=LATER)
    assert [key.max_lifetime for key in after] == [HOUR, 30 * DAY, 30 * DAY]
    assert after[1].withdraw_at == after[2].signs_at + LONGER.last_acceptance(30 * DAY)


def test_equal_timings_change_nothing():
    keys = supersede((A, B), "b", at=LATER, now=LATER, policy=PRODUCTION)
    assert lengthen(keys, before=PRODUCTION, policy=PRODUCTION, now=LATER) == keys
