"""Match the redirect URI of a request with the client's registered redirect URIs. Pure.

- The redirect URI must equal a registered one, character for character (RFC 9700 section 2.1).
- Exception: the port may differ if the host is 127.0.0.1 or [::1] (RFC 8252 section 7.3).
- If the host is `localhost`, the port may differ only if a switch of the client permits that, because the name can
  resolve to any address.
"""

import re
from collections.abc import Iterable

from tokens.addresses import redirect_uri_problem

LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(/[^#]*)?")
LOCALHOST = re.compile(r"(http://localhost)(?::[0-9]{1,5})?(/[^#]*)?")

NOT_REGISTERED = (
    "The application did not register the redirect URI of this request. Register it exactly as the application sends it"
    " (admin: Redirect URIs; create_client --redirect-uri; a client's metadata document: redirect_uris)."
)
LOCALHOST_PORT = (
    "The application did not register this redirect URI at localhost, whose port is compared, too. If the port changes,"
    " use and register http://127.0.0.1/… instead: its port is free. For a public client that cannot, register"
    " http://localhost/… and allow any port on localhost (admin; create_client --any-localhost-port)."
)


def matches(
    presented: str, registered: Iterable[str], *, undotted: bool = False, any_localhost_port: bool = False
) -> bool:
    """Return True if the redirect URI `presented` is `acceptable` and matches one of `registered`.

    `undotted` permits private-use schemes without a dot. `any_localhost_port` permits another port at localhost.
    """
    if not acceptable(presented, undotted=undotted):
        return False
    hosts = (LOOPBACK, LOCALHOST) if any_localhost_port else (LOOPBACK,)
    return any(presented == uri or _differ_only_by_port(presented, uri, hosts) for uri in registered)


def remedy(presented: str, *, any_localhost_port: bool = False) -> str:
    """Return the error text for the redirect URI `presented`, which is not registered. It says what to register.

    The text repeats no input. For a URI at localhost, the text says that the port must match, unless
    `any_localhost_port` permits any port.
    """
    return LOCALHOST_PORT if LOCALHOST.fullmatch(presented) and not any_localhost_port else NOT_REGISTERED


def acceptable(uri: str, *, undotted: bool = False) -> bool:
    """Return True if `uri` follows the rules for redirect URIs (tokens/addresses.py).

    `undotted` permits private-use schemes without a dot.
    """
    # Also for registered URIs: a client's row can be older than a rule.
    return redirect_uri_problem(uri, undotted=undotted) is None


def _differ_only_by_port(presented: str, registered: str, hosts: Iterable[re.Pattern[str]]) -> bool:
    """Return True if both URIs match the same pattern of `hosts`, and differ at most in the port."""
    pairs = ((host.fullmatch(presented), host.fullmatch(registered)) for host in hosts)
    return any(left is not None and right is not None and left.groups() == right.groups() for left, right in pairs)
