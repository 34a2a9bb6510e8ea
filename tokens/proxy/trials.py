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

import json
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from tokens.proxy.report import Finding
from tokens.proxy.wire import Address, Answer, NoAnswer, connect, exchange, request

PAGE = "docs/proxies.md"
FORM = "application/x-www-form-urlencoded"
JWKS = "/.well-known/jwks.json"
FOREIGN = "foreign.invalid"
CLAIMED = "192.0.2.77"  # an address for documentation (RFC 5737), so that no client has it
SPELLINGS = ("X_Forwarded_For", "X-Forwarded_For", "X_Forwarded-For")
SCHEMES = ("X-Forwarded-Proto", "X_Forwarded_Proto", "X-Forwarded_Proto", "X_Forwarded-Proto")


@dataclass(frozen=True, slots=True)
class ProbedServer:
    """The tested server. `token` is the operator's token or empty. `context` is None for http."""

    where: Address
    context: ssl.SSLContext | None
    token: str

    def send(self, path: str, headers: dict[str, str], *, host: str | None = None) -> Answer:
        """Send a GET request and return the answer. Raises NoAnswer."""
        sent = request("GET", self.where.path + path, host or self.where.authority, headers)
        return exchange(self.where, sent, context=self.context)

    def form(self, headers: dict[str, str], body: bytes) -> bytes:
        """Return the bytes of a request to the token endpoint."""
        with_type = {"Content-Type": FORM, **headers}
        return request("POST", f"{self.where.path}/oauth/token", self.where.authority, with_type, body)

    def status(self, path: str, headers: dict[str, str] | None = None, *, host: str | None = None) -> int | str:
        """Send a GET request. Return the status of the answer, or the text of the error if there is none."""
        try:
            return self.send(path, headers or {}, host=host).status
        except NoAnswer as error:
            return str(error)


Trial = Callable[[ProbedServer], Iterator[Finding]]


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
    # A proxy can answer 200 or redirect, too. Only the issuer sends this header, or repeats the Host in a redirect.
    with suppress(NoAnswer):
        answer = server.send("/accounts/login/", {}, host=host)
        is_page = answer.status == 200 and "content-security-policy" in answer.headers
        return is_page or host in answer.headers.get("location", "")
    return False


def scheme(server: ProbedServer) -> Iterator[Finding]:
    """Test if the issuer sees the right scheme, and if a client's header changes it."""
    # The issuer redirects http to https: the status shows which scheme it sees. A header that claims the other scheme
    # must not change the status.
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
    """Test which address the issuer sees, and if a client's header changes it."""
    if not server.token:
        remedy = "Set OPERATOR_TOKEN for the issuer and for this command."
        yield Finding("address", "unknown", "not tested: this needs OPERATOR_TOKEN", remedy)
        return
    plain = _seen(server, {})
    if plain is None:
        remedy = "Check that OPERATOR_TOKEN is the issuer's value and that the proxy passes Authorization on."
        yield Finding("address", "unknown", "/readyz does not accept OPERATOR_TOKEN", remedy)
        return
    trusted = [name for name in ("X-Forwarded-For", *SPELLINGS) if _seen(server, {name: CLAIMED}) == CLAIMED]
    if trusted:
        remedy = f"Let the proxy append to X-Forwarded-For, and drop header names with underscores. {PAGE}"
        result = f"the issuer trusts {', '.join(trusted)} of a client: a client can evade the login limits"
        yield Finding("address", "error", result, remedy)
    else:
        yield Finding("address", "ok", f"the issuer sees {plain}; check that this is your address and not the proxy's")


def _seen(server: ProbedServer, headers: dict[str, str]) -> str | None:
    with suppress(NoAnswer, ValueError, KeyError, TypeError):
        answer = server.send("/readyz?seen", {"Authorization": f"Bearer {server.token}", **headers})
        return str(json.loads(answer.body)["seen"]["address"])
    return None


def causes(server: ProbedServer) -> Iterator[Finding]:
    """Test if /readyz treats this client as the operator on the server itself."""
    try:
        body = json.loads(server.send("/readyz?seen", {}).body)
    except (NoAnswer, ValueError):
        return
    if isinstance(body, dict) and body.keys() - {"status"}:
        remedy = f"Let the proxy append the client's address to X-Forwarded-For. {PAGE}"
        yield Finding("causes", "error", "/readyz reveals causes of failures to every client", remedy)
    else:
        yield Finding("causes", "ok", "/readyz reveals no causes of failures")


def bodies(server: ProbedServer) -> Iterator[Finding]:
    """Test if a half-sent body delays other requests, and if a chunked body reaches the issuer."""
    half = server.form({"Content-Length": "500"}, b"grant_type=")
    statuses: list[int | str] = []
    # The proxy must buffer the body. If it passes the half body on, a worker of the issuer can wait for the rest.
    with suppress(OSError), connect(server.where, context=server.context) as wire:
        wire.sendall(half)
        other = threading.Thread(target=lambda: statuses.append(server.status(JWKS)), daemon=True)
        other.start()
        other.join(10)
    # 404: the target is an API, which has no JWKS. The request was answered all the same.
    if statuses in ([200], [404]):
        yield Finding("half body", "ok", "a half-sent body delays no other request")
    else:
        result = f"{statuses[0] if statuses else 'no answer'} for another request while a body is half sent"
        yield Finding("half body", "error", result, f"Let the proxy buffer requests. {PAGE}")
    yield from _chunked(server)


def _chunked(server: ProbedServer) -> Iterator[Finding]:
    form = b"grant_type=nothing"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(form), form)
    try:
        answer = exchange(server.where, server.form({"Transfer-Encoding": "chunked"}, chunks), context=server.context)
    except NoAnswer as error:
        yield Finding("chunked body", "error", str(error), f"Let the proxy buffer requests. {PAGE}")
        return
    if b"unsupported_grant_type" in answer.body:
        yield Finding("chunked body", "ok", "a chunked body reaches the issuer")
    elif answer.status == 411:
        remedy = f"Let the proxy buffer requests, or serve with project.launch.serve. {PAGE}"
        yield Finding("chunked body", "advice", "a chunked body is refused with 411", remedy)
    elif answer.status == 404:
        yield Finding("chunked body", "unknown", "not tested: the URL has no token endpoint", "Test the issuer's URL.")
    else:
        result = f"{answer.status}: a chunked body is treated as empty"
        yield Finding("chunked body", "error", result, f"Let the proxy buffer requests. {PAGE}")


def length(server: ProbedServer) -> Iterator[Finding]:
    """Test if long authorization requests reach the issuer, as with a large `state` or `id_token_hint`."""
    for size in (4000, 8000):
        query = urlencode({"response_type": "code", "client_id": "check-proxy", "state": "s" * size})
        status = server.status(f"/oauth/authorize?{query}", {"Accept": "text/html"})
        if status in {414, 431, 502, 494} or isinstance(status, str):
            remedy = f"Configure larger buffers for request and response headers. {PAGE}"
            yield Finding(f"{size // 1000} kB address", "error", f"{status} for an authorization request", remedy)
        else:
            yield Finding(f"{size // 1000} kB address", "ok", f"it reaches the issuer ({status})")


def caching(server: ProbedServer) -> Iterator[Finding]:
    """Test if the JWKS can be revalidated, and if it comes from a shared cache."""
    try:
        whole = server.send(JWKS, {"Accept-Encoding": "gzip"})
        if whole.status != 200:
            yield Finding("caching", "unknown", f"GET {JWKS}: {whole.status}", "Fix the errors above first.")
            return
        conditional = {"Accept-Encoding": "gzip", "If-None-Match": whole.headers.get("etag", '""')}
        again = server.send(JWKS, conditional)
    except NoAnswer as error:
        yield Finding("caching", "error", str(error), "Fix the errors above first.")
        return
    if "etag" not in whole.headers or "max-age" not in whole.headers.get("cache-control", ""):
        yield Finding(
            "caching", "error", "the proxy removes ETag or Cache-Control of the JWKS", f"Pass both headers on. {PAGE}"
        )
    elif again.status != 304:
        remedy = f"Do not compress JSON, or exclude these paths. {PAGE}"  # compression can change the ETag
        yield Finding("caching", "advice", f"revalidation of the JWKS is answered with {again.status}, not 304", remedy)
    else:
        yield Finding("caching", "ok", "the JWKS keeps its ETag and Cache-Control")
    if int(whole.headers.get("age", "0") or 0) > 0 or "hit" in whole.headers.get("x-cache", "").lower():
        remedy = "Add the cache's time to shared_cache of the key policy. docs/key-rotation.md"
        yield Finding("shared cache", "advice", "the JWKS came from a cache", remedy)


TRIALS: tuple[Trial, ...] = (reach, host, scheme, address, causes, bodies, length, caching)


def run(server: ProbedServer) -> list[Finding]:
    """Run every trial, or only the first if it fails."""
    findings = list(reach(server))
    if findings[0].level == "error":
        return findings
    for trial in TRIALS[1:]:
        findings += trial(server)
    return findings
