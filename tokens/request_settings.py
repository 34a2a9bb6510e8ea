"""The settings for authorization requests that clients push (RFC 9126). Pure.

`tokens.conf` reads the settings, and calls `parse`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

DEFAULTS: Mapping[str, Any] = {
    # How long a `request_uri` is valid until the browser brings it.
    "PUSHED_REQUEST_LIFETIME": timedelta(seconds=90),
    # True: each client has to push its authorization requests.
    "REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": False,
}
SHORTEST, LONGEST = timedelta(seconds=5), timedelta(seconds=600)
"""Bounds of PUSHED_REQUEST_LIFETIME (RFC 9126 section 2.2). FAPI 2.0 requires less than 600 seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSettings:
    """The settings for authorization requests."""

    pushed_lifetime: timedelta
    """How long a `request_uri` is valid."""
    must_be_pushed: bool
    """True if each client has to push its requests."""


def parse(values: Mapping[str, Any]) -> RequestSettings:
    """Parse `values`. Raises ValueError if PUSHED_REQUEST_LIFETIME is out of bounds."""
    lifetime: timedelta = values["PUSHED_REQUEST_LIFETIME"]
    if not SHORTEST <= lifetime < LONGEST:
        raise ValueError("PUSHED_REQUEST_LIFETIME must be at least 5 and less than 600 seconds.")
    return RequestSettings(
        pushed_lifetime=lifetime,
        must_be_pushed=bool(values["REQUIRE_PUSHED_AUTHORIZATION_REQUESTS"]),
    )
