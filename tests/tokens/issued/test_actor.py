"""The chain of actors in a token that was exchanged (RFC 8693 section 4.1).

The latest actor is outermost, and the chain has a maximum length.
"""

import pytest

from tokens.issued import actor
from tokens.issued.actor import LONGEST_CHAIN, ChainTooLong


def passed_on(times):
    """Return the claims client_id and act of an application's token after `times` services have exchanged it."""
    claims = {"client_id": "app"}
    for number in range(times):
        name = f"service-{number}"
        claims = {"client_id": name, "act": actor.chain(name, claims)}
    return claims


def test_the_latest_actor_is_outermost_and_the_application_innermost():
    assert passed_on(1)["act"] == {"sub": "service-0", "act": {"sub": "app"}}
    assert passed_on(2)["act"] == {"sub": "service-1", "act": {"sub": "service-0", "act": {"sub": "app"}}}


def test_an_application_that_acts_for_a_user_by_itself_is_named_once():
    trusted = {"client_id": "robot", "act": actor.alone("robot")}
    assert actor.chain("service", trusted) == {"sub": "service", "act": {"sub": "robot"}}


def test_the_last_service_that_may_act_is_accepted_and_the_next_one_refused():
    longest = passed_on(LONGEST_CHAIN - 1)
    assert len(list(actor.clients(longest))) == LONGEST_CHAIN
    with pytest.raises(ChainTooLong, match=f"no more than {LONGEST_CHAIN} clients"):
        actor.chain("one too many", longest)


def test_each_current_and_earlier_actor_is_named():
    assert list(actor.clients(passed_on(2))) == ["service-1", "service-0", "app"]
    assert list(actor.clients(passed_on(0))) == []


def test_what_is_passed_on_is_not_changed():
    before = {"client_id": "second", "act": {"sub": "first"}}
    actor.chain("third", before)
    assert before == {"client_id": "second", "act": {"sub": "first"}}
