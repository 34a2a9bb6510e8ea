"""The URLs of issuer and API under one origin (development)."""

from project.urls import api, issuer
from project.urls.issuer import handler400, handler403, handler404, handler500  # noqa: F401 (Django reads them here)

urlpatterns = [*api.urlpatterns, *issuer.urlpatterns]
