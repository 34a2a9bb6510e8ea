"""The settings of the issuer's rate limits."""

import pytest

from tokens.settings.rate import RATE_LIMITS, Rate, parse


def test_a_change_replaces_the_limit_of_its_name_only() -> None:
    assert parse({"login": (3, 7)}) == RATE_LIMITS | {"login": Rate(3, 7)}


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed() -> None:
    with pytest.raises(ValueError, match=r"unknown entries: logins; there are token, .*login, ") as error:
        parse({"login": (3, 7), "logins": (3, 7)})
    assert all(name in str(error.value) for name in RATE_LIMITS)
