"""Settings of the API. It trusts the issuer that `make run` starts."""

import os

SECRET_KEY = "an example signs nothing with it"  # noqa: S105
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "without_drf.urls"
USE_TZ = True
INSTALLED_APPS = ["keyturn_resources"]
MIDDLEWARE = [
    "keyturn_resources.middleware.json_errors",
    "keyturn_resources.middleware.probes",
    "keyturn_resources.middleware.no_store",
    "keyturn_resources.plain_views.RequireToken",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["keyturn_resources.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "EXCEPTION_HANDLER": "keyturn_resources.handler.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
RESOURCE_SERVER = {
    "ISSUERS": [os.environ.get("ISSUER_URL", "http://localhost:8000")],
    "AUDIENCE": [os.environ.get("API_AUDIENCE", "http://localhost:8001/")],
    "KEY_POLICY": "development",
    "PATHS": ["/pages/"],
    # Add BEHIND_PROXY if only a proxy reaches this API.
}
