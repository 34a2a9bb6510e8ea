"""The chain of actors: the latest outermost, and never longer than it may be (RFC 8693 section 4.1)."""

import pytest

from tokens.oauth import actor
from tokens.oauth.actor import LONGEST_CHAIN, ChainTooLong


def passed_on(times):
    act = None
    for number in range(times):
        act = actor.chain(f"service-{number}", act)
    return act


def test_the_latest_actor_is_outermost():
    assert passed_on(1) == {"sub": "service-0"}
    assert passed_on(3) == {"sub": "service-2", "act": {"sub": "service-1", "act": {"sub": "service-0"}}}


def test_the_last_service_that_may_act_is_accepted_and_the_next_one_refused():
    longest = actor.chain("last", passed_on(LONGEST_CHAIN - 1))
    assert (longest["sub"], longest["act"]["sub"]) == ("last", f"service-{LONGEST_CHAIN - 2}")
    with pytest.raises(ChainTooLong, match=f"no more than {LONGEST_CHAIN} services"):
        actor.chain("one too many", longest)


def test_what_is_passed_on_is_not_changed():
    before = {"sub": "first"}
    actor.chain("second", before)
    assert before == {"sub": "first"}
