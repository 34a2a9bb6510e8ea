"""The inequalities between the timings of a policy.

Each inequality holds at its limit. One step beyond, it is reported with its numbers.
"""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from tokens.keys.rules.inequalities import problems, slower
from tokens.keys.rules.policy import DEVELOPMENT, POLICIES, PRODUCTION, Policy, changed


def other(**changes):
    return replace(PRODUCTION, **{name: timedelta(seconds=value) for name, value in changes.items()})


PROPAGATION = PRODUCTION.propagation.total_seconds()
ANNOUNCE = PRODUCTION.announce.total_seconds()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"announce": PROPAGATION - 0.001}, "announce (1 day, 0:08:59.999000) is shorter than N + C + T + 2δ"),
        ({"reread": 60.001}, "2 x reread (0:01:00.001000) is longer than N = snapshot_age (0:02:00)"),
        ({"rotate_every": ANNOUNCE - 0.001}, "rotate_every (1 day, 23:59:59.999000) is shorter than announce (2 days"),
        ({"keep": 239.999}, "keep (0:03:59.999000) is shorter than N + 2δ"),
        ({"shared_cache": 0.999}, "shared_cache (0:00:00.999000) is the JWKS's max-age"),
        ({"shared_cache": 300.5}, "shared_cache (0:05:00.500000) is the JWKS's max-age"),
    ],
)
def test_one_step_below_its_edge_an_inequality_is_named_with_its_numbers_and_no_other_is(changes, message):
    (problem,) = problems(other(**changes))
    assert problem.startswith(message)


@pytest.mark.parametrize(
    "changes",
    [
        {"announce": PROPAGATION},
        {"reread": 60},
        {"rotate_every": ANNOUNCE},
        {"keep": 240},
        {"shared_cache": 1},
    ],
)
def test_at_its_edge_an_inequality_holds(changes):
    assert list(problems(other(**changes))) == []


@pytest.mark.parametrize("name", [field.name for field in fields(Policy)])
@pytest.mark.parametrize("seconds", [0, -1])
def test_nothing_is_zero_or_less(name, seconds):
    message = f"{name} is {timedelta(seconds=seconds)}; it must be longer than zero"
    assert message in list(problems(other(**{name: seconds})))


@pytest.mark.parametrize("name", [field.name for field in fields(Policy)])
def test_a_microsecond_is_longer_than_zero(name):
    assert not [
        message
        for message in problems(replace(PRODUCTION, **{name: timedelta(microseconds=1)}))
        if "than zero" in message
    ]


@pytest.mark.parametrize("policy", [PRODUCTION, DEVELOPMENT])
def test_the_policies_hold_together(policy):
    assert list(problems(policy)) == []


@pytest.mark.parametrize("took", [1.001, 1.4, 2, 5, 9.9, 60, 400])
@pytest.mark.parametrize("name", POLICIES)
def test_the_timings_for_a_slow_machine_allow_twice_as_long_and_keep_every_inequality(name, took):
    wider = changed(POLICIES[name], slower(POLICIES[name], timedelta(seconds=took)))
    assert wider.clock_error >= timedelta(seconds=2 * took)
    assert list(problems(wider)) == []
