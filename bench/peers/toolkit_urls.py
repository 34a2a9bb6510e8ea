"""The URLs of the toolkit's project."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200."""
    del request
    return HttpResponse(b"{}")


urlpatterns = [path("healthz", healthz), path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
