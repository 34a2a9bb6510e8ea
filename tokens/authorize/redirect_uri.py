"""Match the redirect URI of a request with the client's registered redirect URIs. Pure.

- Both must be equal, character for character (RFC 9700 section 2.1).
- Exception: the port is free if the host is 127.0.0.1 or [::1] (RFC 8252 section 7.3). The port of `localhost` is not,
  because a name can resolve to another address.
"""

import re
from collections.abc import Iterable

from tokens.addresses import redirect_uri_problem

LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(/[^#]*)?")


def matches(presented: str, registered: Iterable[str], *, undotted: bool = False) -> bool:
    """Return True if `presented` is acceptable and equals one of the `registered` URIs, or differs in a loopback port.

    `undotted` permits private-use schemes without a dot.
    """
    is_usable = acceptable(presented, undotted=undotted)
    return is_usable and any(presented == uri or _differs_only_by_port(presented, uri) for uri in registered)


def acceptable(uri: str, *, undotted: bool = False) -> bool:
    """Return True if a redirect URI may be used. `undotted` permits private-use schemes without a dot."""
    # Also for registered URIs: a client's row can be older than a rule.
    return redirect_uri_problem(uri, undotted=undotted) is None


def _differs_only_by_port(presented: str, registered: str) -> bool:
    """Return True if both are loopback addresses with the same host and path."""
    left, right = LOOPBACK.fullmatch(presented), LOOPBACK.fullmatch(registered)
    return left is not None and right is not None and left.groups() == right.groups()
