"""The API's URLs."""

from django.urls import include, path

urlpatterns = [
    path("", include("resources.urls")),
    path("api/", include("resources.notes.urls")),
    path("api/", include("resources.openapi")),
]
