"""The URLs that every API has: metadata, liveness and readiness."""

from django.urls import path

from . import views

urlpatterns = [
    path(".well-known/oauth-protected-resource", views.protected_resource),
    path(".well-known/oauth-protected-resource/<path:path>", views.protected_resource),
    path("healthz", views.healthz),
    path("readyz", views.readyz),
]
