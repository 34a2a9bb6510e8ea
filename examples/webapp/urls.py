"""The URLs of the example application."""

from django.urls import URLPattern, URLResolver, include, path

from examples.webapp import backchannel, login, logout, settings, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("notes", views.add_note, name="add_note"),
    path("export", views.export, name="export"),
    path("evidence.json", views.evidence, name="evidence"),
    path("login", login.start, name="login"),
    path("callback", login.callback, name="callback"),
    path("logout", logout.end, name="logout"),
    path("logged-out", backchannel.receive, name="logged_out"),
    path("healthz", views.healthz, name="healthz"),
]
if settings.DEBUG:
    urlpatterns.append(path("flow/", include("examples.webapp.picture.urls")))
