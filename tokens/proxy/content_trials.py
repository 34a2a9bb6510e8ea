"""Trials 6 to 8: the proxy passes on bodies, long URLs and cached responses unchanged."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlencode

from tokens.proxy.report import Finding
from tokens.proxy.trial_server import JWKS, PAGE, ProbedServer
from tokens.proxy.wire import NoAnswer, connect, exchange


def bodies(server: ProbedServer) -> Iterator[Finding]:
    """Yield findings about bodies: a half-sent body must delay no other request, and a chunked body must arrive."""
    half = server.form({"Content-Length": "500"}, b"grant_type=")
    statuses: list[int | str] = []
    # The proxy must buffer the body. If it passes the half body on, a worker of the issuer can wait for the rest.
    with suppress(OSError), connect(server.where, context=server.context) as wire:
        wire.sendall(half)
        other = threading.Thread(target=lambda: statuses.append(server.status(JWKS)), daemon=True)
        other.start()
        other.join(10)
    # 404: the target is an API, which has no JWKS. The answer shows as well that nothing delayed it.
    if statuses in ([200], [404]):
        yield Finding("half body", "ok", "a half-sent body delays no other request")
    else:
        result = f"{statuses[0] if statuses else 'no answer'} for another request while a body is half sent"
        yield Finding("half body", "error", result, f"Let the proxy buffer requests. {PAGE}")
    yield from _chunked(server)


def _chunked(server: ProbedServer) -> Iterator[Finding]:
    """Yield a finding about a body with `Transfer-Encoding: chunked`. The proxy must pass on the content of the body.

    The issuer got the body if it answers with the error unsupported_grant_type.
    """
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
    """Test if long authorization requests reach the issuer, such as those with a large `state` or `id_token_hint`."""
    for size in (4000, 8000):
        query = urlencode({"response_type": "code", "client_id": "check-proxy", "state": "s" * size})
        status = server.status(f"/oauth/authorize?{query}", {"Accept": "text/html"})
        if status in {414, 431, 502, 494} or isinstance(status, str):
            remedy = f"Configure larger buffers for request and response headers. {PAGE}"
            yield Finding(f"{size // 1000} kB address", "error", f"{status} for an authorization request", remedy)
        else:
            yield Finding(f"{size // 1000} kB address", "ok", f"it reaches the issuer ({status})")


def caching(server: ProbedServer) -> Iterator[Finding]:
    """Test if the JWKS keeps its ETag and can be revalidated. Report a JWKS that came from a shared cache."""
    try:
        whole = server.send(JWKS, {"Accept-Encoding": "gzip"})
        if whole.status != 200:
            yield Finding("caching", "unknown", f"GET {JWKS}: {whole.status}", "Fix the errors above first.")
            return
        conditional = {"Accept-Encoding": "gzip", "If-None-Match": whole.headers.get("etag", '""')}
        revalidated = server.send(JWKS, conditional)
    except NoAnswer as error:
        yield Finding("caching", "error", str(error), "Fix the errors above first.")
        return
    if "etag" not in whole.headers or "max-age" not in whole.headers.get("cache-control", ""):
        yield Finding(
            "caching", "error", "the proxy removes ETag or Cache-Control of the JWKS", f"Pass both headers on. {PAGE}"
        )
    elif revalidated.status != 304:
        remedy = f"Do not compress JSON, or exclude these paths. {PAGE}"  # compression can change the ETag
        yield Finding(
            "caching", "advice", f"revalidation of the JWKS is answered with {revalidated.status}, not 304", remedy
        )
    else:
        yield Finding("caching", "ok", "the JWKS keeps its ETag and Cache-Control")
    if int(whole.headers.get("age", "0") or 0) > 0 or "hit" in whole.headers.get("x-cache", "").lower():
        remedy = "Add the cache's time to shared_cache of the key policy. docs/key-rotation.md"
        yield Finding("shared cache", "advice", "the JWKS came from a cache", remedy)
