"""CORS: which pages of other origins may read an answer (Fetch standard, section 3.2).

Single-page applications name their origin at registration. Nothing here sends or takes cookies, so an origin that is
let in can do what any program can, and no more. /oauth/authorize has none of this: it is a place to go to.
"""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from tokens.models import Client

View = Callable[..., HttpResponseBase]
KEPT = 600  # seconds; for as long a browser need not ask again
ASKED = "Authorization, Content-Type, Accept"
EXPOSED = "WWW-Authenticate, Retry-After, ETag"


def cors(*methods: str) -> Callable[[View], View]:
    """Let registered origins call the view by these methods and read its answer."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            origin = request.headers.get("Origin", "")
            allowed = bool(origin) and is_registered(origin)
            if allowed and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
                response: HttpResponseBase = HttpResponse(status=204, headers=_preflight(methods))
            else:
                response = view(request, *args, **kwargs)
            patch_vary_headers(response, ["Origin"])
            if allowed:
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = EXPOSED
            return response

        return answer

    return decorate


def is_registered(origin: str) -> bool:
    """Whether an active client named exactly this origin."""
    candidates = Client.objects.filter(is_active=True, allowed_origins__contains=origin)
    return any(origin in known.split() for known in candidates.values_list("allowed_origins", flat=True))


def _preflight(methods: tuple[str, ...]) -> dict[str, str]:
    return {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ASKED,
        "Access-Control-Max-Age": str(KEPT),
    }
