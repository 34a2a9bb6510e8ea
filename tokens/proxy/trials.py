"""Test a proxy from outside. Each trial sends a few small requests and changes nothing.

1. reach     /healthz and /readyz answer, and TLS 1.2 or later is required
2. host      the Host header reaches the issuer, and an unknown Host is refused
3. scheme    the issuer sees the scheme of the URL, and no header of a client changes it
4. address   the issuer sees the client's address, and no header of a client replaces it (needs OPERATOR_TOKEN)
5. causes    /readyz does not give causes of failures to a client that is not the operator
6. bodies    a half-sent body delays no other request, and a chunked body is not treated as empty
7. length    authorization requests of 4 kB and of 8 kB arrive
8. caching   the JWKS keeps its ETag and Cache-Control, and does not come from a shared cache
"""

from collections.abc import Callable, Iterator

from tokens.proxy.connection_trials import reach
from tokens.proxy.content_trials import bodies, caching, length
from tokens.proxy.header_trials import address, causes, host, scheme
from tokens.proxy.report import Finding
from tokens.proxy.trial_server import ProbedServer

Trial = Callable[[ProbedServer], Iterator[Finding]]

TRIALS: tuple[Trial, ...] = (reach, host, scheme, address, causes, bodies, length, caching)


def run(server: ProbedServer) -> list[Finding]:
    """Run every trial and return the findings. If the server does not answer, run only the first trial."""
    findings = list(reach(server))
    if findings[0].level == "error":
        return findings
    for trial in TRIALS[1:]:
        findings += trial(server)
    return findings
