"""A decorator that protects plain Django views with JWTAuthentication and DRF permissions."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from .authentication import JWTAuthentication

View = Callable[..., HttpResponseBase]


def token_required(*permissions: Any) -> Callable[[View], View]:
    """Return a decorator that guards a Django view by JWTAuthentication and these permissions.

    Without permissions, any valid token is enough. The view receives Django's request with `user` and `auth` set. The
    decorator raises TypeError if the view is asynchronous.
    """

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):
            raise TypeError("token_required does not support asynchronous views")
        return Guarded.as_view(view=view, permission_classes=permissions or (IsAuthenticated,))

    return decorate


class Guarded(APIView):
    """A DRF view that authenticates and checks permissions before it calls a plain Django view."""

    authentication_classes = (JWTAuthentication,)
    schema = None  # not part of the OpenAPI document
    view: View | None = None

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002 (DRF's)
        """Accept any Accept header."""
        del force
        # The plain view makes its response without DRF's renderers, so no renderer has to be available.
        return super().perform_content_negotiation(request, force=True)

    def answer(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Call the plain view and return its response."""
        assert self.view is not None  # noqa: S101 (token_required sets it)
        plain: HttpRequest = request._request  # noqa: SLF001 (DRF's documented way to the Django request)
        plain.user, plain.auth = request.user, request.auth  # type: ignore[attr-defined]
        return self.view(plain, *args, **kwargs)

    get = head = post = put = patch = delete = options = answer  # type: ignore[assignment]
