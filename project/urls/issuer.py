"""The issuer's URLs."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

handler400 = "tokens.views.failures.bad_request"
handler403 = "tokens.views.failures.forbidden"
handler404 = "tokens.views.failures.not_found"
handler500 = "tokens.views.unavailable.broken"

urlpatterns = [
    path("", include("tokens.urls")),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="account")),
    path("favicon.ico", RedirectView.as_view(url=static("tokens/keyturn.svg"))),
]
