"""The timings of a key policy: the sums of timings that rotation waits for, and the limits that our API must obey."""

from dataclasses import replace
from datetime import timedelta

import pytest

from resources.keysets import key_policy
from resources.verify import LEEWAY
from tokens.keys.rules.policy import POLICIES, PRODUCTION


@pytest.mark.parametrize(
    "changes", [{"snapshot_age": 1}, {"shared_cache": 1}, {"api_copy": 1}, {"clock_error": 1}], ids=str
)
def test_every_term_of_the_propagation_counts(changes):
    shorter = {name: timedelta(seconds=value) for name, value in changes.items()}
    longest = replace(PRODUCTION, **shorter, reread=timedelta(seconds=0.5)).propagation
    missing = PRODUCTION.propagation - longest
    (name,) = changes
    weight = 2 if name == "clock_error" else 1
    assert missing == weight * (getattr(PRODUCTION, name) - timedelta(seconds=1))


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_the_resource_server_keeps_the_bounds_that_the_policy_of_its_name_assumes(name):
    """Keyturn's resource server uses a copy of the JWKS for at most the time that the issuer's policy assumes.

    Its leeway is at most the assumed one. Otherwise the rules P1 and P2 (docs/why-rotation-is-safe.md) would not hold.
    """
    assert timedelta(seconds=key_policy.POLICIES[name].longest_use) <= POLICIES[name].api_copy
    assert timedelta(seconds=LEEWAY) <= POLICIES[name].leeway
    assert sorted(key_policy.POLICIES) == sorted(POLICIES)
