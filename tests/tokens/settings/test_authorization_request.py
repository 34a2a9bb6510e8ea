"""The settings of pushed authorization requests, and their bounds."""

from datetime import timedelta

import pytest

from tokens.settings.authorization_request import DEFAULTS, parse


def test_the_defaults_require_nothing_and_expire_after_90_seconds():
    settings = parse(DEFAULTS)
    assert (settings.must_be_pushed, settings.pushed_lifetime) == (False, timedelta(seconds=90))


@pytest.mark.parametrize("seconds", [5, 60, 599])
def test_a_lifetime_within_the_bounds_is_taken(seconds):
    assert parse({**DEFAULTS, "PUSHED_REQUEST_LIFETIME": timedelta(seconds=seconds)}).pushed_lifetime.seconds == seconds


@pytest.mark.parametrize("seconds", [-1, 0, 4.9, 600, 3600])
def test_a_lifetime_out_of_bounds_is_refused(seconds):
    with pytest.raises(ValueError, match="PUSHED_REQUEST_LIFETIME"):
        parse({**DEFAULTS, "PUSHED_REQUEST_LIFETIME": timedelta(seconds=seconds)})
