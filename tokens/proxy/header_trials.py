"""Trials 2 to 5: the issuer sees the right host, scheme and client address, and trusts no header of a client."""

import json
from collections.abc import Iterator
from contextlib import suppress

from tokens.proxy.report import Finding
from tokens.proxy.trial_server import JWKS, PAGE, ProbedServer
from tokens.proxy.wire import NoAnswer

FOREIGN = "foreign.invalid"
CLAIMED = "192.0.2.77"  # an address for documentation (RFC 5737), so that no client has it
SPELLINGS = ("X_Forwarded_For", "X-Forwarded_For", "X_Forwarded-For")
SCHEMES = ("X-Forwarded-Proto", "X_Forwarded_Proto", "X-Forwarded_Proto", "X_Forwarded-Proto")


def host(server: ProbedServer) -> Iterator[Finding]:
    """Test if the Host header reaches the issuer, and if an unknown Host is refused."""
    own = server.status(JWKS)
    if own == 400:
        remedy = f"nginx: proxy_set_header Host $host. Apache: ProxyPreserveHost On. Check ALLOWED_HOSTS. {PAGE}"
        yield Finding("host", "error", "400 for the URL's host: the proxy does not pass the Host header on", remedy)
        return
    if _serves(server, FOREIGN):
        remedy = "List the hosts in ALLOWED_HOSTS; do not use *."
        yield Finding("host", "error", "the issuer answers requests for an unknown Host", remedy)
    else:
        yield Finding("host", "ok", "the issuer sees the Host, and an unknown Host is refused")


def _serves(server: ProbedServer, host: str) -> bool:
    """Return True if the issuer, not only the proxy, answers a request for this Host with a page or a redirect."""
    # A proxy can also answer with 200 or a redirect. Only the issuer sends this header, or redirects to the same Host.
    with suppress(NoAnswer):
        answer = server.send("/accounts/login/", {}, host=host)
        is_page = answer.status == 200 and "content-security-policy" in answer.headers
        return is_page or host in answer.headers.get("location", "")
    return False


def scheme(server: ProbedServer) -> Iterator[Finding]:
    """Test if the issuer sees the right scheme, and if a client can change that scheme by a header."""
    # The issuer redirects http to https, so the status shows which scheme the issuer sees. A client's header with the
    # other scheme must not change the status.
    plain = server.status("/accounts/login/")
    if plain in {301, 308}:
        if server.context is not None:
            remedy = f"Let the proxy set X-Forwarded-Proto, and set BEHIND_PROXY=true. {PAGE}"
            yield Finding("scheme", "error", "https is redirected to https: the issuer does not see the scheme", remedy)
            return
        claims = "https"
    else:
        claims = "http"
    changed = [name for name in SCHEMES if server.status("/accounts/login/", {name: claims}) not in {plain, 400}]
    if changed:
        remedy = f"Let the proxy replace X-Forwarded-Proto and drop header names with underscores. {PAGE}"
        yield Finding("scheme", "error", f"the issuer trusts {', '.join(changed)} of a client", remedy)
    else:
        yield Finding("scheme", "ok", "no header of a client changes the scheme")
    if server.status("/healthz", {"X_Forwarded_For": CLAIMED}) == 400:
        remedy = f"project.launch.serve refuses them; other WSGI servers read _ as -. Drop them at the proxy. {PAGE}"
        yield Finding("underscores", "advice", "the proxy passes header names with underscores on", remedy)
    else:
        yield Finding("underscores", "ok", "no header name with an underscore reaches project.launch.serve")


def address(server: ProbedServer) -> Iterator[Finding]:
    """Test which address the issuer sees, and if a client can change that address by a header."""
    if not server.token:
        remedy = "Set OPERATOR_TOKEN for the issuer and for this command."
        yield Finding("address", "unknown", "not tested: this needs OPERATOR_TOKEN", remedy)
        return
    plain = seen_address(server, {})
    if plain is None:
        remedy = "Check that OPERATOR_TOKEN is the issuer's value and that the proxy passes Authorization on."
        yield Finding("address", "unknown", "/readyz does not accept OPERATOR_TOKEN", remedy)
        return
    trusted = [name for name in ("X-Forwarded-For", *SPELLINGS) if seen_address(server, {name: CLAIMED}) == CLAIMED]
    if trusted:
        remedy = f"Let the proxy append to X-Forwarded-For, and drop header names with underscores. {PAGE}"
        result = f"the issuer trusts {', '.join(trusted)} of a client: a client can evade the login limits"
        yield Finding("address", "error", result, remedy)
    else:
        yield Finding("address", "ok", f"the issuer sees {plain}; check that this is your address and not the proxy's")


def seen_address(server: ProbedServer, headers: dict[str, str]) -> str | None:
    """Return this program's address as the issuer sees it. Returns None if the answer of /readyz contains no address.

    `headers` are sent in addition to OPERATOR_TOKEN.
    """
    with suppress(NoAnswer, ValueError, KeyError, TypeError):
        answer = server.send("/readyz?seen", {"Authorization": f"Bearer {server.token}", **headers})
        return str(json.loads(answer.body)["seen"]["address"])
    return None


def causes(server: ProbedServer) -> Iterator[Finding]:
    """Test if /readyz hides the causes of failures from a client that does not send OPERATOR_TOKEN."""
    try:
        body = json.loads(server.send("/readyz?seen", {}).body)
    except (NoAnswer, ValueError):
        return
    if isinstance(body, dict) and body.keys() - {"status"}:
        remedy = f"Let the proxy append the client's address to X-Forwarded-For. {PAGE}"
        yield Finding("causes", "error", "/readyz reveals causes of failures to every client", remedy)
    else:
        yield Finding("causes", "ok", "/readyz reveals no causes of failures")
