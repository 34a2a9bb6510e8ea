"""A function and a middleware that require a valid token for views that are not DRF views.

- `refusal` verifies a request as a DRF view with JWTAuthentication does. forward_auth.py and ninja.py use it, too.
- `RequireToken` requires a valid token for every path below PATHS. DRF views, and views behind `token_required`, apply
  their own permissions instead.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from .conf import resource_server
from .decorators import Guarded
from .handler import exception_handler
from .middleware import is_below_paths

PACKAGE = __name__.rpartition(".")[0]
DECIDE_THEMSELVES = frozenset(f"{PACKAGE}.{name}" for name in ("views", "openapi", "forward_auth"))
"""Modules of this package whose views are public or verify the token themselves."""


class Gate(Guarded):
    """A DRF view that only accepts or refuses a request. Refusals are JSON, and need no entry in REST_FRAMEWORK."""

    renderer_classes = (JSONRenderer,)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Return the exception handler of this package, which adds challenges (WWW-Authenticate) to refusals."""
        return exception_handler


def refusal(request: HttpRequest, *permissions: Any) -> HttpResponseBase | None:
    """Return the response that refuses the request. Returns None if the token is valid and meets the permissions.

    In the latter case, `request.user` and `request.auth` are set. Without permissions, any valid token is enough.
    """
    passed = HttpResponse()
    gate = Gate.as_view(view=lambda _request: passed, permission_classes=permissions or (IsAuthenticated,))
    response: HttpResponseBase = gate(request)
    if response is passed:
        return None
    return response.render() if isinstance(response, Response) else response


class RequireToken:
    """Middleware that requires a valid token of each request below PATHS.

    DRF views apply their own permissions instead. The constructor raises ImproperlyConfigured if PATHS is empty.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not resource_server().paths:
            raise ImproperlyConfigured("RequireToken protects nothing: RESOURCE_SERVER['PATHS'] is empty.")
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on. `process_view` refuses requests without a valid token."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponseBase | None:
        """Return the response that refuses the request, or None if the view may be called.

        Returns None for a path that is not below PATHS, and for a view that applies its own permissions.
        """
        if not is_below_paths(request.path_info) or decides_itself(view):
            return None
        return refusal(request)


def decides_itself(view: Callable[..., Any]) -> bool:
    """Return True if the middleware leaves the check of the token to `view`.

    This applies to DRF views, and to the views of the modules in DECIDE_THEMSELVES.
    """
    kind = getattr(view, "cls", None)
    return (isinstance(kind, type) and issubclass(kind, APIView)) or view.__module__ in DECIDE_THEMSELVES
