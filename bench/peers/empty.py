"""A Django project with one empty view and no middleware. It shows what the server and Django alone cost."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

SECRET_KEY = "of no use"  # noqa: S105 (nothing is signed)
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.peers.empty"
WSGI_APPLICATION = "bench.peers.wsgi.application"
DATABASES: dict[str, object] = {}
FORCE_SCRIPT_NAME = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
LOGGING_CONFIG = None


def empty(request: HttpRequest) -> HttpResponse:
    """Return an empty answer."""
    del request
    return HttpResponse(b"{}", content_type="application/json")


urlpatterns = [path("healthz", empty), path("empty", empty)]
