"""An initial access token permits registrations until it expires, is revoked or is used up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tokens.models import InitialAccessToken

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("changes", "live"),
    [
        ({}, True),
        ({"expires_at": NOW}, False),
        ({"registrations_left": 0}, False),
        ({"revoked_at": NOW}, False),
    ],
)
def test_an_initial_token_is_valid_until_it_expires_is_revoked_or_is_used_up(
    changes: dict[str, Any], live: bool
) -> None:
    token = InitialAccessToken(**{"expires_at": LATER, "registrations_left": 1} | changes)
    assert token.is_live(now=NOW) is live
