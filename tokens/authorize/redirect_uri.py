"""Where an authorization response may be sent: exactly to what was registered, any port on a loopback address. Pure."""

import re
from collections.abc import Iterable

from tokens.addresses import redirect_uri_problem

LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(/[^#]*)?")


def matches(presented: str, registered: Iterable[str], *, undotted: bool = False) -> bool:
    """True if `presented` is one of the client's redirect URIs, character for character (RFC 9700 section 2.1).

    The port alone is free where the host is 127.0.0.1 or [::1] (RFC 8252 section 7.3): `localhost` is a name, not a
    loopback address, and keeps its port.
    """
    usable = acceptable(presented, undotted=undotted)
    return usable and any(presented == uri or _same_but_port(presented, uri) for uri in registered)


def acceptable(uri: str, *, undotted: bool = False) -> bool:
    """True if a redirect URI may be used. A client's row can hold one that may not."""
    return redirect_uri_problem(uri, undotted=undotted) is None


def _same_but_port(presented: str, registered: str) -> bool:
    asked, known = LOOPBACK.fullmatch(presented), LOOPBACK.fullmatch(registered)
    return asked is not None and known is not None and asked.groups() == known.groups()
