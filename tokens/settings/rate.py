"""The rate limits of the issuer: how often a client, a user or an address may send requests. Pure.

`tokens.conf` reads the setting, and calls `parse`. `tokens.limits` counts the requests. The counter of a request is
chosen by `tokens.views.endpoint` for a client, and by `tokens.views.limits` for a user or an address.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests within a number of seconds."""

    number: int
    seconds: int


RATE_LIMITS = {
    "token": Rate(1200, 60),
    "introspect": Rate(3000, 60),
    "device": Rate(30, 60),
    "par": Rate(600, 60),
    "revocations": Rate(600, 60),
    "segments": Rate(6000, 60),
    "login": Rate(10, 60),
    "factor": Rate(10, 300),
    "mail": Rate(5, 3600),
    "authorize": Rate(300, 60),
    "documents": Rate(30, 60),
    "register": Rate(30, 3600),
}
"""The default limits. A limit applies to one client at one network address, except:

- login: to a username at a network address;
- factor (codes, passkeys and repeated passwords of a user who passed the first step): to a user, at any address;
- mail (password reset, sign-up, verification): to an e-mail address, at any network address;
- authorize (requests that wait for a login), documents (fetches of client ID metadata documents), register (dynamic
  registrations), revocations, segments: to a network address.
"""


def parse(changed: Mapping[str, tuple[int, int]]) -> Mapping[str, Rate]:
    """Return all limits: those in `changed`, and the defaults of the other names.

    `changed` maps a name to (number of requests, seconds). Raises ValueError if a name is not in RATE_LIMITS.
    """
    if unknown := changed.keys() - RATE_LIMITS.keys():
        raise ValueError(
            f"RATE_LIMITS has unknown entries: {', '.join(sorted(unknown))}; there are {', '.join(RATE_LIMITS)}"
        )
    return RATE_LIMITS | {name: Rate(*rate) for name, rate in changed.items()}
