"""The URLs of the example application."""

from django.urls import path

from examples.webapp import login, logout, views

urlpatterns = [
    path("", views.home, name="home"),
    path("notes", views.add_note, name="add_note"),
    path("export", views.export, name="export"),
    path("evidence.json", views.evidence, name="evidence"),
    path("login", login.start, name="login"),
    path("callback", login.callback, name="callback"),
    path("logout", logout.end, name="logout"),
    path("healthz", views.healthz, name="healthz"),
]
