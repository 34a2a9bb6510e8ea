"""The URLs of an API's OpenAPI document and its page, Swagger UI.

`path("api/", include("resources.openapi"))` adds api/schema/, api/docs/ and api/docs/oauth2-redirect.html. After a
login that Swagger UI started, the issuer redirects the browser to api/docs/oauth2-redirect.html.

The three URLs are public, and the OpenAPI document does not list them. They need drf_spectacular in INSTALLED_APPS.
"""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.views.decorators.http import require_safe
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response

from .conf import resource_server


class Document(SpectacularAPIView):
    """The view of the API's OpenAPI document."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the document as YAML, or as JSON if the client prefers JSON."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response


class Page(SpectacularSwaggerView):
    """Swagger UI, which logs in with PKCE and requests every scope of this API."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the page of Swagger UI. The setting SWAGGER_UI_OAUTH2_CONFIG can change how Swagger UI logs in."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        own = spectacular_settings.SWAGGER_UI_OAUTH2_CONFIG
        if isinstance(own, dict):  # a string is JavaScript, which is not changed
            defaults = {"usePkceWithAuthorizationCodeGrant": True, "scopes": sorted(resource_server().scopes)}
            response.data["oauth2_config"] = self._dump({**defaults, **own})  # type: ignore[no-untyped-call]
        return response


@require_safe
def oauth2_redirect(request: HttpRequest) -> HttpResponse:
    """Return the page to which the issuer redirects the popup of a login. This page passes the code to Swagger UI."""
    del request
    script = SpectacularSwaggerView._swagger_ui_resource("oauth2-redirect.js")  # type: ignore[no-untyped-call] # noqa: SLF001
    parts = urlsplit(script)
    source = f"{parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; script-src {source}; frame-ancestors 'none'",
        # With Django's default, same-origin, the popup could not reach the page that waits for the code.
        "Cross-Origin-Opener-Policy": "unsafe-none",
        "Referrer-Policy": "no-referrer",  # the address has the code
    }
    text = format_html(
        '<!doctype html>\n<html lang="en"><title>Login</title><script src="{}"></script></html>\n', script
    )
    return HttpResponse(text, headers=headers)


# OPTIONS is off, because DRF would need a template to describe these views.
PUBLIC: dict[str, Any] = {"authentication_classes": [], "permission_classes": [], "metadata_class": None}

urlpatterns = [
    path("schema/", Document.as_view(**PUBLIC), name="schema"),
    path("docs/", Page.as_view(**PUBLIC), name="docs"),
    path("docs/oauth2-redirect.html", oauth2_redirect, name="oauth2-redirect"),
]
