"""A view that tells a proxy if a request may pass: nginx `auth_request`, Traefik `ForwardAuth`, Caddy `forward_auth`.

The view answers:
1. 403 if the request has a header whose name begins with PREFIX, because only this view may set such headers.
2. 204 if the token is valid and meets the permissions. The headers of CLAIMS name the user and the client.
3. 401 or 403 with a challenge if the token is refused. A refusal with any other 4xx status, except 429, is sent as 401,
   because proxies would turn that status into a 500.
4. 429 or 503 with Retry-After if the request cannot be decided now.

The proxy must add the headers of the 204 to the request that it sends to the application. If the client sent headers of
these names, the proxy must remove or overwrite them. The examples in examples/without_drf/ do both.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from .plain_views import refusal
from .possession import name_original
from .principal import AccessToken

PREFIX = "X-Keyturn-"
CLAIMS = {"Subject": "sub", "Client": "client_id", "Issuer": "iss"}
FORGED = "The request has a header that only the proxy may set"
UNCHANGED = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)
"""The statuses of refusals that are sent unchanged. Any other 4xx status is replaced by 401."""
READABLE = "!#$&'()*+,/:;=?@[]^`{|}~"


def forward_auth(*permissions: Any, forwarded_target: bool = False) -> Callable[[HttpRequest], HttpResponseBase]:
    """Return a view that tells a proxy if a client's request may pass.

    - The request may pass if its token is valid and meets `permissions`. The HTTP method makes no difference. Without
      permissions, any valid token is enough.
    - If `forwarded_target` is False, tokens that are bound to a key (DPoP) are refused.
    - If `forwarded_target` is True, DPoP proofs are compared with X-Forwarded-Method and X-Forwarded-Uri. The proxy
      must set both headers to the method and URI of the client's request. If the client sent one of these headers, the
      proxy must overwrite it.
    """

    def decide(request: HttpRequest) -> HttpResponseBase:
        headers = request.headers if forwarded_target else {}
        name_original(request, headers.get("X-Forwarded-Method"), headers.get("X-Forwarded-Uri"))
        response = JsonResponse({"detail": FORGED}, status=403) if is_forged(request) else answer(request, permissions)
        response.headers["Cache-Control"] = "no-store"
        return response

    decide.csrf_exempt = True  # type: ignore[attr-defined]  # a bearer token is sent by no browser on its own
    return decide


def answer(request: HttpRequest, permissions: tuple[Any, ...]) -> HttpResponseBase:
    """Return 204 with the headers of `identity` if the request may pass. Otherwise, return the refusal.

    If a refusal has a 4xx status that is not in UNCHANGED, its status is replaced by 401.
    """
    refused = refusal(request, *permissions)
    if refused is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=identity(request.auth))  # type: ignore[attr-defined]
    if refused.status_code not in UNCHANGED and refused.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        refused.status_code = HTTPStatus.UNAUTHORIZED
    return refused


def is_forged(request: HttpRequest) -> bool:
    """Return True if the request has a header whose name begins with PREFIX.

    Only `forward_auth` may set such headers. Upper and lower case count as equal, and so do `-` and `_`.
    """
    # The names in `request.headers` have `-` in place of `_`.
    return any(name.upper().startswith(PREFIX.upper()) for name in request.headers)


def identity(token: AccessToken) -> dict[str, str]:
    """Return the headers that name the holder of a verified token, percent-encoded (RFC 3986 section 2.1)."""
    # Every header is always sent, because a proxy might pass on a header of the client if this view does not set it.
    named = {f"{PREFIX}{name}": quote(str(token.claims[claim]), READABLE) for name, claim in CLAIMS.items()}
    return named | {f"{PREFIX}Scope": " ".join(quote(scope, READABLE) for scope in sorted(token.scopes)) or "-"}
