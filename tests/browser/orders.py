"""An API that pages of another origin call (CORS), as docs/resource-server.md describes ("Browsers of other origins").

`python -m tests.browser.orders PORT ISSUER AUDIENCE ORIGIN` serves /orders/ until it is stopped. Only pages of ORIGIN
may call it.
"""

import sys
from wsgiref.simple_server import make_server

from corsheaders.defaults import default_headers
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

from tests.browser.quiet import Quiet

PORT, ISSUER, AUDIENCE, ORIGIN = sys.argv[1:5]

settings.configure(
    SECRET_KEY="x" * 50,
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost"],
    INSTALLED_APPS=["resources", "rest_framework", "corsheaders"],
    MIDDLEWARE=[
        "corsheaders.middleware.CorsMiddleware",
        "resources.middleware.json_errors",
        "resources.middleware.no_store",
        "django.middleware.common.CommonMiddleware",
    ],
    CORS_ALLOWED_ORIGINS=[ORIGIN],
    CORS_ALLOW_HEADERS=[*default_headers, "traceparent", "tracestate", "baggage", "sentry-trace"],
    CORS_EXPOSE_HEADERS=["WWW-Authenticate", "Retry-After"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["resources.authentication.JWTAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "EXCEPTION_HANDLER": "resources.handler.exception_handler",
        "UNAUTHENTICATED_USER": None,
    },
    RESOURCE_SERVER={"ISSUERS": [ISSUER], "AUDIENCE": [AUDIENCE], "KEY_POLICY": "development", "PATHS": ["/"]},
)
application = get_wsgi_application()

from rest_framework.decorators import api_view, permission_classes  # noqa: E402 (the settings must be set first)
from rest_framework.response import Response  # noqa: E402

from resources.permissions import HasScopes  # noqa: E402


@api_view(["GET"])
@permission_classes([HasScopes("notes:read")])
def orders(request):
    """Answer with the client_id of the access token in the request."""
    return Response({"client_id": request.auth.claims["client_id"]})


urlpatterns = [path("orders/", orders)]

if __name__ == "__main__":
    with make_server("localhost", int(PORT), application, handler_class=Quiet) as server:
        print("ready", flush=True)
        server.serve_forever()
