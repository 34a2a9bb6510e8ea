"""Settings of the application, read from environment variables. The application has no database.

The session is a signed cookie.
"""

import os
from pathlib import Path


def secret(name: str) -> str:
    """Return a secret from the file that the variable `name`_FILE names, or from the variable `name`.

    The file takes precedence. Raises KeyError if neither environment variable is set.
    """
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else os.environ[name]


DEBUG = os.environ.get("DEBUG", "false") == "true"
SECRET_KEY = secret("SECRET_KEY")
ALLOWED_HOSTS = ["localhost", "127.0.0.1"] if DEBUG else os.environ["ALLOWED_HOSTS"].split(",")

ISSUER_URL = os.environ["ISSUER_URL"]
API_URL = os.environ["API_URL"]
API_AUDIENCE = os.environ["API_AUDIENCE"]
WEBAPP_URL = os.environ["WEBAPP_URL"]
CLIENT_ID = os.environ["WEBAPP_CLIENT_ID"]
CLIENT_SECRET = secret("WEBAPP_CLIENT_SECRET")

INSTALLED_APPS = ["examples.webapp", "django.contrib.sessions", "django.contrib.staticfiles"]
MIDDLEWARE = [
    "examples.webapp.tracing.request_ids",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
if DEBUG:  # the flow as a picture: it shows tokens to developers, and must not exist in production
    INSTALLED_APPS.append("examples.webapp.picture")
    MIDDLEWARE.append("examples.webapp.picture.middleware.RecordFlow")
ROOT_URLCONF = "examples.webapp.urls"
WSGI_APPLICATION = "examples.webapp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES: dict[str, object] = {}
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
USE_TZ = True
# Pages are in the first of these languages that the browser accepts, else in English. The catalogue is in locale/.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]

OTEL_TRACES = os.environ.get("OTEL_TRACES", "false") == "true"  # read by wsgi.py
OTEL_SERVICE_NAME = os.environ.get("OTEL_SERVICE_NAME", "webapp")
LOG_FORMAT = "json"  # read by project.launch.serve
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "examples.webapp.tracing.JsonLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django": {"handlers": []}},  # Django's own handler would write each line again, as plain text
}

# The cookie is signed, not encrypted: the user can read their own tokens in it. Scripts cannot read it (HttpOnly), and
# other sites cannot send it with a form (SameSite). An attacker who copies it can act as the user by this application
# until the refresh token expires or the user logs out: that revokes it at the issuer, and an API that follows the
# issuer's feed refuses the access token from its next poll on. An application with a database should store the tokens
# there, and only a key to them in the cookie.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
# The sessions that the issuer ended (ended_sessions.py). In memory, for one process: several need a shared cache, such
# as Redis, which also outlives a restart.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_COOKIE_NAME = "webapp_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = WEBAPP_URL.startswith("https://")
CSRF_COOKIE_NAME = "webapp_csrf"
CSRF_TRUSTED_ORIGINS = [WEBAPP_URL]  # behind a proxy that ends TLS, requests arrive by http
SECURE_REFERRER_POLICY = "same-origin"
