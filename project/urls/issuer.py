"""The issuer's URLs."""

from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from project import conf

handler400 = "tokens.views.failures.bad_request"
handler403 = "tokens.views.failures.forbidden"
handler404 = "tokens.views.failures.not_found"
handler500 = "tokens.views.unavailable.broken"


def _admin() -> list[URLPattern | URLResolver]:
    """Return the admin's URLs, or an empty list if the setting ADMIN is off."""
    if not conf.has_admin():
        return []
    from django.contrib import admin  # noqa: PLC0415 (not loaded if it is off)

    return [path("admin/", admin.site.urls)]


urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tokens.urls")),
    *_admin(),
    path("", RedirectView.as_view(pattern_name="account")),
    path("favicon.ico", RedirectView.as_view(url=static("tokens/keyturn.svg"))),
]
