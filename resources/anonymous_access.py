"""Find out which HTTP methods need no token, according to the permissions of a view."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.views import APIView

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def anonymous_methods(permission_classes: Iterable[Any]) -> list[str]:
    """Return the HTTP methods that these permissions allow to a request without credentials."""
    return [method for method in METHODS if _allow_anonymous(permission_classes, method)]


def _allow_anonymous(permission_classes: Iterable[Any], method: str) -> bool:
    """Return True if these permissions allow a request with this HTTP method and without credentials.

    Returns False if a permission raises an exception.
    """
    bare = HttpRequest()
    bare.method = method
    request = Request(bare, authenticators=())
    view: Any = APIView()
    view.request = request
    view.queryset = next((model._default_manager.none() for model in apps.get_models()), None)  # noqa: SLF001
    try:
        return all(permission().has_permission(request, view) for permission in permission_classes)
    except Exception:  # noqa: BLE001 (a permission that needs a real view or a database is not tested)
        return False
