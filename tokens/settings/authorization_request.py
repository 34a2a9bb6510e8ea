"""The settings for pushed authorization requests (RFC 9126), and the FAPI 2.0 Security Profile. Pure.

`tokens.conf` reads the settings, and calls `parse`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

DEFAULTS: Mapping[str, Any] = {
    # How long the `request_uri` of a pushed request is valid.
    "PUSHED_REQUEST_LIFETIME": timedelta(seconds=90),
    # True: each client has to push its authorization requests.
    "REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": False,
    # True: each client is held to the FAPI 2.0 Security Profile (docs/fapi2.md).
    "FAPI2": False,
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
    follows_fapi2: bool
    """True if each client must follow the FAPI 2.0 Security Profile."""


def parse(values: Mapping[str, Any]) -> RequestSettings:
    """Parse `values`. Raises ValueError if PUSHED_REQUEST_LIFETIME is out of bounds."""
    lifetime: timedelta = values["PUSHED_REQUEST_LIFETIME"]
    if not SHORTEST <= lifetime < LONGEST:
        raise ValueError("PUSHED_REQUEST_LIFETIME must be at least 5 and less than 600 seconds.")
    return RequestSettings(
        pushed_lifetime=lifetime,
        must_be_pushed=bool(values["REQUIRE_PUSHED_AUTHORIZATION_REQUESTS"] or values["FAPI2"]),
        follows_fapi2=bool(values["FAPI2"]),
    )
