"""Issuer and API under one origin (development)."""

from project.urls import api, issuer

urlpatterns = [*api.urlpatterns, *issuer.urlpatterns]
