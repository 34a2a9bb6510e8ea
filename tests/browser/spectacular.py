"""A separate project that uses drf-spectacular as its documentation shows, and does not use `resources`.

`python -m tests.browser.spectacular PORT ISSUER CLIENT_ID` serves /docs/ until it is stopped.
"""

import sys
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

from tests.browser.quiet import Quiet

PORT, ISSUER, CLIENT_ID = sys.argv[1:4]
SIDECAR = "/static/drf_spectacular_sidecar/swagger-ui-dist"

settings.configure(
    DEBUG=True,
    SECRET_KEY="x" * 50,
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost"],
    STATIC_URL="static/",
    INSTALLED_APPS=[
        "django.contrib.staticfiles",
        "rest_framework",
        "drf_spectacular",
        "drf_spectacular_sidecar",
    ],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    REST_FRAMEWORK={
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    },
    SPECTACULAR_SETTINGS={
        "TITLE": "A foreign API",
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
        "APPEND_COMPONENTS": {
            "securitySchemes": {
                "keyturn": {
                    "type": "oauth2",
                    "flows": {
                        "authorizationCode": {
                            "authorizationUrl": f"{ISSUER}/oauth/authorize",
                            "tokenUrl": f"{ISSUER}/oauth/token",
                            "scopes": {"notes:read": "Read your notes"},
                        }
                    },
                }
            }
        },
        "SECURITY": [{"keyturn": ["notes:read"]}],
        "SWAGGER_UI_SETTINGS": {"oauth2RedirectUrl": f"http://localhost:{PORT}{SIDECAR}/oauth2-redirect.html"},
        "SWAGGER_UI_OAUTH2_CONFIG": {"clientId": CLIENT_ID, "usePkceWithAuthorizationCodeGrant": True},
    },
)
application = get_wsgi_application()

from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402 (the settings must be set first)
from drf_spectacular.types import OpenApiTypes  # noqa: E402
from drf_spectacular.utils import extend_schema  # noqa: E402
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView  # noqa: E402
from rest_framework.decorators import api_view  # noqa: E402
from rest_framework.response import Response  # noqa: E402


@extend_schema(responses=OpenApiTypes.OBJECT)
@api_view(["GET"])
def echo(request):
    """Answer with the Authorization header of the request."""
    return Response({"authorization": request.headers.get("Authorization", "")})


urlpatterns = [
    path("echo/", echo),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema")),
]


if __name__ == "__main__":
    with make_server("localhost", int(PORT), StaticFilesHandler(application), handler_class=Quiet) as server:
        print("ready", flush=True)
        server.serve_forever()
