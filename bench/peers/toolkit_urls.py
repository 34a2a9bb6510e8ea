"""The URLs of the django-oauth-toolkit project."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200."""
    # The benchmark waits for this answer before it measures.
    del request
    return HttpResponse(b"{}")


urlpatterns = [path("healthz", healthz), path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
