"""Trial 1: the server answers, and requires TLS 1.2 or later."""

import ssl
import warnings
from collections.abc import Iterator
from contextlib import suppress

from tokens.proxy.report import Finding
from tokens.proxy.trial_server import ProbedServer
from tokens.proxy.wire import connect


def reach(server: ProbedServer) -> Iterator[Finding]:
    """Test /healthz, /readyz and the accepted TLS versions."""
    health = server.status("/healthz")
    if health != 200:
        remedy = "Check that the process runs and that the URL is right."
        yield Finding("healthz", "error", f"GET /healthz: {health}", remedy)
        return
    yield Finding("healthz", "ok", "200")
    ready = server.status("/readyz")
    if ready != 200:
        remedy = "For the cause, run on the server: curl http://127.0.0.1:PORT/readyz"
        yield Finding("readyz", "error", f"GET /readyz: {ready}", remedy)
    if server.context is None:
        remedy = "Terminate TLS at the proxy, and test the https URL."
        yield Finding("tls", "advice", "the URL is http: passwords and tokens are sent unencrypted", remedy)
    else:
        yield from _tls(server)


def _tls(server: ProbedServer) -> Iterator[Finding]:
    """Offer the server only TLS 1.0 and 1.1, and yield a finding. The server must refuse them (RFC 9325)."""
    # The certificate does not matter here, because nothing is sent: only the handshake is tested.
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with suppress(ssl.SSLError), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the trial is about deprecated versions
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        connect(server.where, context=old).close()
    except OSError:
        yield Finding("tls", "ok", "TLS 1.0 and 1.1 are refused")
    else:
        yield Finding("tls", "error", "TLS 1.0 or 1.1 is accepted", "Allow TLS 1.2 and 1.3 only (RFC 9325).")
