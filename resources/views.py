"""The views that every API has: protected resource metadata (RFC 9728), liveness and readiness."""

from urllib.parse import unquote, urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .conf import resource_server
from .issuers.trusts import trusts
from .operator import is_operator


@require_safe
def protected_resource(request: HttpRequest, path: str = "") -> HttpResponse:
    """Return the metadata of this API (RFC 9728 section 3.2).

    Returns 404 unless `path` is the path of the API's identifier.
    """
    del request
    conf = resource_server()
    own = unquote(urlsplit(conf.resource).path.removeprefix("/"))  # Django has decoded `path`
    if path not in {own, own.rstrip("/")}:  # `challenges.metadata_url` is without a slash at the end
        return JsonResponse({"error": "not_found"}, status=404)
    document = {
        "resource": conf.resource,
        "authorization_servers": [issuer.url for issuer in conf.issuers],
        "scopes_supported": conf.scopes_supported,
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": conf.dpop.algorithms if conf.dpop else (),
        "dpop_bound_access_tokens_required": bool(conf.dpop and conf.dpop.required),
    }
    response = JsonResponse({name: value for name, value in document.items() if value})
    response["Cache-Control"] = "public, max-age=3600"
    response["Access-Control-Allow-Origin"] = "*"  # clients in browsers read the metadata before they have a token
    return response


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200: the process is alive."""
    del request
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if tokens of every trusted issuer can be verified, otherwise 503.

    Tries once to fetch missing keys. The answer to an operator (operator.py) also has the state of each issuer's
    keys and feed.
    """
    ready = False not in [trust.ready() for trust in trusts().values()]  # a list, so that each issuer gets its attempt
    document: dict[str, object] = {"status": "ok" if ready else "unavailable"}
    if is_operator(request):
        document["issuers"] = {url: trust.status() for url, trust in trusts().items()}
    return JsonResponse(document, status=200 if ready else 503)
