"""The trials. Each sends one to three small requests from outside, and changes nothing.

1. reach     the probes answer, and TLS 1.2 or later is required
2. host      the Host reaches the issuer, and a foreign Host is refused
3. scheme    http is redirected to https, and no header of a client changes that
4. address   the proxy appends the client's address, and no header of a client replaces it (for the operator)
5. causes    /readyz gives a stranger no causes
6. bodies    a half-sent body stops no other request, and a chunked body is not treated as empty
7. length    authorization requests of 4 kB and of 8 kB arrive
8. caching   the JWKS keeps its ETag and Cache-Control, and comes from the issuer
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
CLAIMED = "192.0.2.77"  # RFC 5737: an address for documentation
SPELLINGS = ("X_Forwarded_For", "X-Forwarded_For", "X_Forwarded-For")
SCHEMES = ("X-Forwarded-Proto", "X_Forwarded_Proto", "X-Forwarded_Proto", "X_Forwarded-Proto")


@dataclass(frozen=True, slots=True)
class Seat:
    """The target and how to reach it. `token` is the operator's, or empty; `context` is None for http."""

    where: Address
    context: ssl.SSLContext | None
    token: str

    def send(self, path: str, headers: dict[str, str], *, host: str | None = None) -> Answer:
        """GET a path with these headers. Raises NoAnswer."""
        sent = request("GET", self.where.path + path, host or self.where.authority, headers)
        return exchange(self.where, sent, context=self.context)

    def form(self, headers: dict[str, str], body: bytes) -> bytes:
        """Return the bytes of a request to the token endpoint."""
        named = {"Content-Type": FORM, **headers}
        return request("POST", f"{self.where.path}/oauth/token", self.where.authority, named, body)

    def status(self, path: str, headers: dict[str, str] | None = None, *, host: str | None = None) -> int | str:
        """Return the status of an answer, or what happened instead."""
        try:
            return self.send(path, headers or {}, host=host).status
        except NoAnswer as error:
            return str(error)


Trial = Callable[[Seat], Iterator[Finding]]


def reach(seat: Seat) -> Iterator[Finding]:
    """Find out if the probes answer, and which TLS versions are accepted."""
    health = seat.status("/healthz")
    if health != 200:
        remedy = "Does the process run, and is the URL the right one?"
        yield Finding("healthz", "error", f"GET /healthz: {health}", remedy)
        return
    yield Finding("healthz", "ok", "200")
    ready = seat.status("/readyz")
    if ready != 200:
        yield Finding("readyz", "error", f"GET /readyz: {ready}", "On the machine: curl http://127.0.0.1:PORT/readyz")
    if seat.context is None:
        advice = "Let the proxy end TLS, and check the https URL."
        yield Finding("tls", "advice", "the URL is http: passwords and tokens travel in clear", advice)
    else:
        yield from _tls(seat)


def _tls(seat: Seat) -> Iterator[Finding]:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with suppress(ssl.SSLError), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the trial is about deprecated versions
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        connect(seat.where, context=old).close()
    except OSError:
        yield Finding("tls", "ok", "TLS 1.0 and 1.1 are refused")
    else:
        yield Finding("tls", "error", "TLS 1.0 or 1.1 is accepted", "Allow TLS 1.2 and 1.3 only (RFC 9325).")


def host(seat: Seat) -> Iterator[Finding]:
    """Find out if the Host reaches the issuer, and if a foreign Host is refused."""
    own = seat.status(JWKS)
    if own == 400:
        remedy = f"nginx: proxy_set_header Host $host; Apache: ProxyPreserveHost On; and ALLOWED_HOSTS. {PAGE}"
        yield Finding("host", "error", "400 for the URL's own host: the Host does not arrive", remedy)
        return
    if _serves(seat, FOREIGN):
        yield Finding("host", "error", "the issuer serves a foreign Host", "Name the hosts in ALLOWED_HOSTS, never *.")
    else:
        yield Finding("host", "ok", "the Host arrives, and a foreign one is refused")


def _serves(seat: Seat, host: str) -> bool:
    """True if the issuer itself, not only a proxy, answers a request for this Host by a page or a redirect."""
    with suppress(NoAnswer):
        answer = seat.send("/accounts/login/", {}, host=host)
        is_page = answer.status == 200 and "content-security-policy" in answer.headers
        return is_page or host in answer.headers.get("location", "")
    return False


def scheme(seat: Seat) -> Iterator[Finding]:
    """Find out if a client's header changes the scheme that the issuer sees."""
    plain = seat.status("/accounts/login/")
    if plain in {301, 308}:
        if seat.context is not None:
            remedy = f"The proxy must set X-Forwarded-Proto, and BEHIND_PROXY=true. {PAGE}"
            yield Finding("scheme", "error", "https is redirected to https: the scheme does not arrive", remedy)
            return
        claims = "https"
    else:
        claims = "http"
    changed = [name for name in SCHEMES if seat.status("/accounts/login/", {name: claims}) not in {plain, 400}]
    if changed:
        remedy = f"The proxy must replace X-Forwarded-Proto and drop names with underscores. {PAGE}"
        yield Finding("scheme", "error", f"a visitor's {', '.join(changed)} is believed", remedy)
    else:
        yield Finding("scheme", "ok", "no header of a visitor's changes the scheme")
    if seat.status("/healthz", {"X_Forwarded_For": CLAIMED}) == 400:
        remedy = f"Not needed with project.launch.serve, which refuses them; other WSGI servers fold them. {PAGE}"
        yield Finding("underscores", "advice", "the proxy passes header names with underscores on", remedy)
    else:
        yield Finding("underscores", "ok", "no header name with an underscore reaches project.launch.serve")


def address(seat: Seat) -> Iterator[Finding]:
    """Find out which address the issuer sees, and if a client's header changes it."""
    if not seat.token:
        remedy = "Set OPERATOR_TOKEN for the issuer and for this command."
        yield Finding("address", "unknown", "only the operator may ask which address the issuer sees", remedy)
        return
    plain = _seen(seat, {})
    if plain is None:
        remedy = "Is OPERATOR_TOKEN the issuer's? Does the proxy pass Authorization on?"
        yield Finding("address", "unknown", "/readyz does not accept the token", remedy)
        return
    believed = [name for name in ("X-Forwarded-For", *SPELLINGS) if _seen(seat, {name: CLAIMED}) == CLAIMED]
    if believed:
        remedy = f"The proxy must append to X-Forwarded-For, and drop names with underscores. {PAGE}"
        found = f"a visitor's {', '.join(believed)} is believed: no login limit holds"
        yield Finding("address", "error", found, remedy)
    else:
        yield Finding("address", "ok", f"the issuer sees {plain}; is that this machine's address, not the proxy's?")


def _seen(seat: Seat, headers: dict[str, str]) -> str | None:
    with suppress(NoAnswer, ValueError, KeyError, TypeError):
        answer = seat.send("/readyz?seen", {"Authorization": f"Bearer {seat.token}", **headers})
        return str(json.loads(answer.body)["seen"]["address"])
    return None


def causes(seat: Seat) -> Iterator[Finding]:
    """Find out if /readyz treats a stranger as the operator on the machine itself."""
    try:
        told = json.loads(seat.send("/readyz?seen", {}).body)
    except (NoAnswer, ValueError):
        return
    if isinstance(told, dict) and told.keys() - {"status"}:
        remedy = f"The proxy must append the visitor's address to X-Forwarded-For. {PAGE}"
        yield Finding("causes", "error", "/readyz gives a stranger its causes", remedy)
    else:
        yield Finding("causes", "ok", "/readyz gives a stranger no causes")


def bodies(seat: Seat) -> Iterator[Finding]:
    """Find out if half a body delays other requests, and if a body without a length arrives."""
    half = seat.form({"Content-Length": "500"}, b"grant_type=")
    answered: list[int | str] = []
    with suppress(OSError), connect(seat.where, context=seat.context) as wire:
        wire.sendall(half)
        other = threading.Thread(target=lambda: answered.append(seat.status(JWKS)), daemon=True)
        other.start()
        other.join(10)
    if answered in ([200], [404]):
        yield Finding("half body", "ok", "others are served while a body is half sent")
    else:
        found = f"others got {answered[0] if answered else 'no answer'} while a body was half sent"
        yield Finding("half body", "error", found, f"Let the proxy buffer requests. {PAGE}")
    yield from _chunked(seat)


def _chunked(seat: Seat) -> Iterator[Finding]:
    form = b"grant_type=nothing"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(form), form)
    try:
        answer = exchange(seat.where, seat.form({"Transfer-Encoding": "chunked"}, chunks), context=seat.context)
    except NoAnswer as error:
        yield Finding("chunked body", "error", str(error), f"Let the proxy buffer requests. {PAGE}")
        return
    if b"unsupported_grant_type" in answer.body:
        yield Finding("chunked body", "ok", "it arrives")
    elif answer.status == 411:
        remedy = f"Let the proxy buffer requests, or serve by project.launch.serve. {PAGE}"
        yield Finding("chunked body", "advice", "it is refused: 411", remedy)
    elif answer.status == 404:
        yield Finding("chunked body", "unknown", "there is no token endpoint here", "Give the issuer's URL to try it.")
    else:
        found = f"{answer.status}: it is treated as empty"
        yield Finding("chunked body", "error", found, f"Let the proxy buffer requests. {PAGE}")


def length(seat: Seat) -> Iterator[Finding]:
    """Find out if long authorization requests pass, as a large `state` or an `id_token_hint` makes them."""
    for size in (4000, 8000):
        query = urlencode({"response_type": "code", "client_id": "check-proxy", "state": "s" * size})
        status = seat.status(f"/oauth/authorize?{query}", {"Accept": "text/html"})
        if status in {414, 431, 502, 494} or isinstance(status, str):
            remedy = f"Larger buffers for request and response heads. {PAGE}"
            yield Finding(f"{size // 1000} kB address", "error", f"{status} for an authorization request", remedy)
        else:
            yield Finding(f"{size // 1000} kB address", "ok", f"it arrives ({status})")


def caching(seat: Seat) -> Iterator[Finding]:
    """Find out if the JWKS can be revalidated, and if a cache in between keeps what it must not."""
    try:
        whole = seat.send(JWKS, {"Accept-Encoding": "gzip"})
        if whole.status != 200:
            yield Finding("caching", "unknown", f"GET {JWKS}: {whole.status}", "Fix the errors above first.")
            return
        known = {"Accept-Encoding": "gzip", "If-None-Match": whole.headers.get("etag", '""')}
        again = seat.send(JWKS, known)
    except NoAnswer as error:
        yield Finding("caching", "error", str(error), "Fix the errors above first.")
        return
    if "etag" not in whole.headers or "max-age" not in whole.headers.get("cache-control", ""):
        yield Finding("caching", "error", "ETag or Cache-Control of the JWKS is lost", f"Pass both headers on. {PAGE}")
    elif again.status != 304:
        remedy = f"Compress no JSON, or not these paths. {PAGE}"
        yield Finding("caching", "advice", f"revalidation of the JWKS is answered {again.status}, not 304", remedy)
    else:
        yield Finding("caching", "ok", "the JWKS keeps its ETag and Cache-Control")
    if int(whole.headers.get("age", "0") or 0) > 0 or "hit" in whole.headers.get("x-cache", "").lower():
        remedy = "A cache in front adds its time to the key policy's shared_cache: docs/key-rotation.md."
        yield Finding("shared cache", "advice", "the JWKS came from a cache", remedy)


TRIALS: tuple[Trial, ...] = (reach, host, scheme, address, causes, bodies, length, caching)


def run(seat: Seat) -> list[Finding]:
    """Run every trial, or only the first if nothing answers."""
    findings = list(reach(seat))
    if findings[0].level == "error":
        return findings
    for trial in TRIALS[1:]:
        findings += trial(seat)
    return findings
