"""The URLs of the picture."""

from django.urls import path

from examples.webapp.picture import views

urlpatterns = [
    path("", views.show, name="flow"),
    path("version", views.version, name="flow_version"),
    path("break", views.break_it, name="flow_break"),
]
