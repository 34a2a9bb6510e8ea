"""The URLs of an API's OpenAPI document and its page.

`path("api/", include("resources.openapi"))` adds api/schema/ and api/docs/. Both are public, and the document does not
list them. They need drf_spectacular in INSTALLED_APPS.
"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response


class Document(SpectacularAPIView):
    """The OpenAPI document."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the document as YAML, or as JSON if the client prefers JSON."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response


# OPTIONS is off, because DRF would need a template to describe these views.
PUBLIC: dict[str, Any] = {"authentication_classes": [], "permission_classes": [], "metadata_class": None}

urlpatterns = [
    path("schema/", Document.as_view(**PUBLIC), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(**PUBLIC), name="docs"),
]
