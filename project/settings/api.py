"""Settings of the API, which has its own database and fetches the issuer's public keys.

The API has no private key and no access to the issuer's database.
"""

from project.settings import environment
from project.settings.base import *

INSTALLED_APPS = [
    "resources",
    "resources.notes",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "project.metrics.middleware.measured",
    "project.request_id.request_ids",
    "project.telemetry.traced",
    "project.access_log.access_log",
    "project.postgresql.budget.bounded",
    "resources.middleware.json_errors",
    "resources.middleware.probes",
    "resources.middleware.no_store",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# Requests are authenticated by a bearer token only, never by a cookie, so CSRF is not possible.
SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "security.W003"]

ROOT_URLCONF = "project.urls.api"
WSGI_APPLICATION = "resources.wsgi.application"
APPEND_SLASH = False  # a redirect would lose the client's body
DATABASES = {"default": environment.database("API_DATABASE_URL")}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["resources.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["resources.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "resources.schema.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "resources.handler.exception_handler",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Keyturn example API",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_OAUTH2_CONFIG": {"clientId": environment.text("API_DOCS_CLIENT_ID", "")},
}

REVOCATIONS_EVERY = environment.seconds("REVOCATIONS_EVERY", 30)

# resources/conf.py reads this, and describes each entry.
RESOURCE_SERVER = {
    "ISSUERS": environment.urls(
        "API_ISSUERS", environment.text("ISSUER_URL", "http://localhost:8000" if DEBUG else "") or None
    ),
    "AUDIENCE": environment.words("API_AUDIENCE", "http://localhost:8001/" if DEBUG else None),
    "ALGORITHMS": environment.words("API_ALGORITHMS", "RS256"),
    "JWKS_URL": environment.text("JWKS_URL", ""),
    "KEY_POLICY": environment.policy(),
    "REVOCATIONS": REVOCATIONS_EVERY > 0,
    **({"REVOCATIONS_EVERY": REVOCATIONS_EVERY} if REVOCATIONS_EVERY else {}),
    "REVOCATIONS_LATE_AFTER": environment.seconds("REVOCATIONS_LATE_AFTER", 120, least=1),
    "REVOCATIONS_WHEN_LATE": environment.choice("REVOCATIONS_WHEN_LATE", "serve", ("serve", "refuse")),
    "PUBLIC_URL": environment.text("API_PUBLIC_URL", ""),
    "DPOP_REQUIRED": environment.flag("API_DPOP_REQUIRED", default=False),
    "DPOP_NONCES": environment.flag("API_DPOP_NONCES", default=False),
    "DPOP_REPLAY_CACHE": "default" if environment.secret("CACHE_URL", "") else "",
    "PATHS": ["/"],  # this process serves only the API
    "BEHIND_PROXY": BEHIND_PROXY,
    "OPERATOR_TOKEN": OPERATOR_TOKEN,
    "METRICS": METRICS_PORT > 0,
    "SCOPES": {"notes:read": "Read your notes", "notes:write": "Write, change and delete your notes"},
}
