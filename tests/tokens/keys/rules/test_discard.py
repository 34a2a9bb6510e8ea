"""The dates of the other keys after a key was revoked or cancelled.

The tests have the worked example of the module `discard`, and similar cases.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tokens.keys.errors import UnknownKey, Unsafe
from tokens.keys.rules import discard, lifecycle
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import PRODUCTION

DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
ERROR = PRODUCTION.clock_error
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + 10 * DAY
A = Key(kid="a", announced_at=START, signs_at=START, max_lifetime=timedelta(hours=1))
B = Key(kid="b", announced_at=START, max_lifetime=timedelta(hours=1))
FRESH = (Key(kid="c", announced_at=NOW, max_lifetime=timedelta(hours=1)), replace(B, kid="d", announced_at=NOW))


def revoke(*kids, keys=(A, B), flush_at=NOW + 2 * DAY):
    return discard.revoke(keys, kids, fresh=FRESH, now=NOW, policy=PRODUCTION, flush_at=flush_at)


def cancel(kid, keys):
    return discard.cancel(keys, kid, fresh=FRESH, now=NOW, policy=PRODUCTION)


def seen(kid, after, *, signs_at=None):
    """Return an announced key that every API has at `after` from NOW on."""
    return replace(B, kid=kid, announced_at=NOW + after - PRODUCTION.propagation, signs_at=signs_at)


def dates(discarded):
    return {key.kid: key for key in discarded.keys}


def test_the_standby_signs_at_once_and_a_fresh_key_flushes_the_revoked_one():
    done = revoke("a")
    assert (done.successor.kid, done.flush.kid, done.outage_until) == ("b", "d", None)
    assert lifecycle.signer(done.keys, now=NOW).kid == "b"
    assert dates(done)["a"].revoked_at == NOW
    assert dates(done)["d"].signs_at == NOW + 2 * DAY
    assert lifecycle.standby(done.keys).kid == "c"


def test_if_the_standby_is_revoked_the_signer_stays_and_a_flush_is_planned():
    done = revoke("b")
    assert (done.successor, done.flush.kid) == (None, "d")
    assert lifecycle.signer(done.keys, now=NOW).kid == "a"
    assert lifecycle.standby(done.keys).kid == "c"


def test_if_every_key_is_revoked_a_fresh_one_signs_and_apis_can_lack_it_for_a_time():
    done = revoke("a", "b")
    assert (done.successor.kid, done.flush.kid) == ("c", "c")
    assert done.outage_until == NOW + PRODUCTION.propagation + PRODUCTION.clock_error
    assert lifecycle.standby(done.keys).kid == "d"


def test_if_no_key_signs_and_the_standby_is_revoked_a_fresh_one_signs_at_once():
    done = revoke("b", keys=(B,))
    assert lifecycle.signer(done.keys, now=NOW).kid == done.successor.kid == "c"


@pytest.mark.parametrize(
    ("planned", "standby", "successor", "outage"),
    [
        (-DAY, -2 * DAY, "p", None),
        (-ERROR, -DAY, "p", None),
        (SECOND - ERROR, -DAY, "b", None),
        (23 * HOUR, -ERROR, "b", None),
        (23 * HOUR, SECOND - ERROR, "b", SECOND),
        (23 * HOUR, 0 * SECOND, "b", ERROR),
        (23 * HOUR, MINUTE, "b", MINUTE + ERROR),
        (MINUTE, 23 * HOUR, "p", MINUTE + ERROR),
        (MINUTE, MINUTE, "p", MINUTE + ERROR),
    ],
)
def test_the_key_signs_that_every_api_has_or_has_first(planned, standby, successor, outage):
    keys = (A, seen("p", planned, signs_at=NOW + DAY), seen("b", standby))
    done = revoke("a", keys=keys)
    assert (done.successor.kid, done.outage_until) == (successor, outage and NOW + outage)
    assert lifecycle.signer(done.keys, now=NOW).kid == successor
    assert lifecycle.standby(done.keys) is not None


def test_without_an_instant_for_the_flush_none_is_planned():
    done = revoke("a", flush_at=None)
    assert done.flush is None
    assert lifecycle.planned(done.keys, now=NOW) is None


def test_a_cancelled_planned_key_is_replaced_by_the_standby():
    planned = replace(B, kid="p", signs_at=NOW + DAY)
    done = cancel("p", (A, planned, B))
    assert done.successor.kid == "b"
    assert dates(done)["p"].cancelled_at == NOW
    assert lifecycle.standby(done.keys).kid == "c"


@pytest.mark.parametrize(
    ("kid", "ahead", "error"), [("a", DAY, UnknownKey), ("p", MINUTE, Unsafe), ("x", DAY, UnknownKey)]
)
def test_a_key_that_signs_or_is_about_to_is_not_cancelled(kid, ahead, error):
    with pytest.raises(error):
        cancel(kid, (A, replace(B, kid="p", signs_at=NOW + ahead), B))


P, Q = replace(B, kid="p", signs_at=NOW + DAY), replace(B, kid="q", signs_at=NOW + 5 * DAY)
REVOKED = replace(A, kid="r", revoked_at=NOW - DAY)


def test_a_key_that_was_revoked_before_keeps_the_date():
    assert dates(revoke("a", "r", keys=(A, B, REVOKED)))["r"].revoked_at == NOW - DAY


def test_a_signing_key_that_started_at_this_instant_is_superseded_an_instant_later():
    done = revoke("a", keys=(replace(A, signs_at=NOW), B))
    assert NOW < done.successor.signs_at <= NOW + timedelta(milliseconds=1)
    assert [key.kid for key in done.keys].count("b") == 1


def test_a_planned_key_that_is_revoked_while_no_key_signs_is_replaced_at_the_next_safe_start():
    done = revoke("p", keys=(P, B), flush_at=None)
    assert (done.successor.kid, done.successor.signs_at > NOW) == ("b", True)


def test_the_flush_takes_the_place_of_a_replacement_that_would_start_no_earlier():
    keys = (A, P, B)
    start = revoke("p", keys=keys, flush_at=None).successor.signs_at
    assert revoke("p", keys=keys, flush_at=start + timedelta.resolution).successor.kid == "b"
    done = revoke("p", keys=keys, flush_at=start)
    assert (done.successor, done.flush.signs_at) == (None, start)


def test_the_flush_takes_the_place_of_a_fresh_replacement():
    assert revoke("p", keys=(A, P), flush_at=None).successor.kid == "c"
    done = revoke("p", keys=(A, P), flush_at=NOW + 9 * DAY)
    assert (done.successor, done.flush.signs_at) == (None, NOW + 9 * DAY)


@pytest.mark.parametrize(("before", "cancelled"), [(timedelta(0), True), (timedelta.resolution, False)])
def test_a_switch_from_the_flush_on_is_cancelled(before, cancelled):
    done = revoke("b", keys=(A, P, B), flush_at=P.signs_at + before)
    assert (dates(done)["p"].cancelled_at == NOW) is cancelled
    assert lifecycle.switches(done.keys, now=NOW)[-1] == done.flush


def test_a_revoked_key_is_not_cancelled_by_the_flush():
    assert dates(revoke("p", "q", keys=(A, P, Q, B), flush_at=NOW + 2 * DAY))["q"].cancelled_at is None


def test_if_a_later_switch_is_planned_a_cancelled_or_revoked_key_needs_no_replacement():
    assert cancel("p", (A, P, Q, B)).successor == Q
    assert revoke("p", keys=(A, P, Q, B), flush_at=None).successor is None


def test_the_replacement_of_the_last_planned_key_starts_after_the_other_planned_keys():
    done = cancel("q", (A, replace(P, signs_at=NOW + 4 * DAY), Q, B))
    assert done.successor.kid == "b"
    assert lifecycle.switches(done.keys, now=NOW)[-1] == done.successor
    assert NOW + 4 * DAY < done.successor.signs_at <= NOW + 4 * DAY + timedelta(milliseconds=1)


def test_a_standby_from_before_a_revocation_replaces_no_planned_key():
    assert cancel("p", (A, P, B, REVOKED)).successor.kid == "c"
    assert cancel("p", (A, P)).successor.kid == "c"


def test_a_planned_key_is_cancelled_until_nodes_might_sign_with_it():
    soon = NOW + PRODUCTION.last_signature
    with pytest.raises(Unsafe):
        cancel("p", (A, replace(P, signs_at=soon), B))
    assert cancel("p", (A, replace(P, signs_at=soon + timedelta.resolution), B)).successor.kid == "b"
    assert dates(cancel("b", (A, B)))["b"].cancelled_at == NOW


def test_a_key_announced_at_this_instant_counts_as_announced_before_the_revocation():
    assert discard.instant_of_revocation([A, B], now=NOW) == NOW
    assert discard.instant_of_revocation([*FRESH, A], now=NOW) > NOW
