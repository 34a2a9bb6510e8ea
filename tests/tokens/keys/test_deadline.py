"""A step of key rotation is refused if it takes too long.

It is also refused if the node's clock and the database's clock differ.
"""

from datetime import timedelta

import pytest
from django.db import InternalError

from tests.clock import database_at, node_at
from tests.database_errors import raised
from tests.tokens.factories import operation
from tests.tokens.keys.steps import run
from tokens.keys import store
from tokens.keys.deadline import translated_errors
from tokens.keys.errors import LockNotHad, Unsafe
from tokens.keys.rotation import rotate
from tokens.keys.rules.policy import DEVELOPMENT, changed
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("skew", [61, -61])
def test_a_node_whose_clock_is_off_plans_nothing(skew):
    run()
    node = store.database_now() + timedelta(seconds=skew)
    with (
        node_at(node),
        pytest.raises(Unsafe, match="synchronise the clocks"),
    ):
        rotate(operation(node), early=True)
    assert SigningKey.objects.count() == 2


def test_a_process_that_was_suspended_before_it_compared_the_clocks_can_plan():
    """The process read its own clock, was suspended for a minute, and then read the database's clock.

    Its clock is correct, so the step is not refused.
    """
    run()
    assert rotate(operation(store.database_now() - timedelta(seconds=61)), early=True).step == "planned"


def test_a_step_that_took_too_long_is_not_done():
    run()
    start = store.database_now()
    clock = iter([start, start, start + timedelta(seconds=61)])
    with database_at(clock), pytest.raises(Unsafe, match="took 61") as refused:
        rotate(operation(start), early=True)
    assert SigningKey.objects.count() == 2
    assert str(refused.value).endswith("clock_error (δ) is 60 s; nothing was done, run it again")


def test_a_development_ring_names_the_timings_that_let_it_keep_its_dates_on_a_loaded_machine():
    run(policy=DEVELOPMENT)
    start = store.database_now()
    slow = [start, start, start + timedelta(seconds=1.4)]
    with database_at(iter(slow)), pytest.raises(Unsafe) as refused:
        rotate(operation(start, policy=DEVELOPMENT), early=True)
    said, _, timings = str(refused.value).partition(" set KEY_TIMINGS=")
    assert "took 1.4 s, too long to keep its dates: clock_error (δ) is 1 s; nothing was done" in said
    assert timings == "clock_error=3,announce=24"
    wider = changed(
        DEVELOPMENT, {name: float(value) for name, value in (timing.split("=") for timing in timings.split(","))}
    )
    run(policy=wider)  # adopts them
    start = store.database_now()
    slow = iter([start, start, start + timedelta(seconds=1.4)])
    with database_at(slow):
        assert rotate(operation(start, policy=wider), early=True).step == "planned"


def test_a_development_step_within_the_clock_error_is_done():
    run(policy=DEVELOPMENT)
    start = store.database_now()
    clock = iter([start, start, start + timedelta(seconds=1)])
    with database_at(clock):
        assert rotate(operation(start, policy=DEVELOPMENT), early=True).step == "planned"


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        *[(state, Unsafe) for state in ("25P03", "25P04", "57014")],
        ("55P03", LockNotHad),
        ("25P02", InternalError),
    ],
)
def test_a_step_that_the_database_ends_is_refused_by_its_cause(state, refusal):
    error = raised(InternalError, state)
    with pytest.raises(refusal), translated_errors():
        raise error
