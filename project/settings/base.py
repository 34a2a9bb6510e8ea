"""Settings of both issuer and API: security headers, time, logging, static files."""

from pathlib import Path

from project.settings import environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent

DEBUG = environment.flag("DEBUG", default=False)
SECRET_KEY = environment.secret("SECRET_KEY")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else None)
BEHIND_PROXY = environment.flag("BEHIND_PROXY", default=False)
OPERATOR_TOKEN = environment.token("OPERATOR_TOKEN")
# Seconds from the end of a request's body after which the request is answered with 503 (project/front,
# project/postgresql). Pages of the admin have 30.
ANSWER_WITHIN = environment.seconds("ANSWER_WITHIN", 3, least=0.1)

# The number of connections to each PostgreSQL that the workers of a node share. 0: each thread has its own.
DATABASE_CONNECTIONS = environment.number("DATABASE_CONNECTIONS")

# Address and port at which the main process of project.launch.serve exposes /metrics (port 0: it does not), and the
# networks that may read it.
METRICS_PORT = environment.port("METRICS_PORT")
METRICS_ADDRESS = environment.text("METRICS_ADDRESS", "127.0.0.1")
METRICS_FROM = environment.networks("METRICS_FROM", "127.0.0.0/8,::1/128")

CACHES = {"default": environment.cache("CACHE_URL")}

WSGI_APPLICATION = "project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The language of everything except pages. project/page_language.py chooses the language of a page.
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic: the files are served from the packages

# TLS ends at a proxy in front of this process. In development, everything is http on loopback.
SECURE_SSL_REDIRECT = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^(.+/)?(healthz|readyz)$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
# Subdomains and preload are off by default: both affect other sites of the domain, and removing a preload entry takes
# months.
SECURE_HSTS_INCLUDE_SUBDOMAINS = environment.flag("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = environment.preload(include_subdomains=SECURE_HSTS_INCLUDE_SUBDOMAINS)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # these checks recommend HSTS for subdomains and preload
SECURE_REFERRER_POLICY = "no-referrer"
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024

# One JSON object in each line, or text for a terminal.
LOG_FORMAT = environment.choice("LOG_FORMAT", "text" if DEBUG else "json", ("text", "json"))
# Traces for OpenTelemetry (project/telemetry.py); the SDK reads further variables that begin with OTEL_.
OTEL_TRACES = environment.flag("OTEL_TRACES", default=False)
OTEL_SERVICE_NAME = environment.text("OTEL_SERVICE_NAME", "keyturn")
ACCESS_LOG = environment.flag("ACCESS_LOG", default=False)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"wrong_host": {"()": "project.logs.WrongHost"}},
    "formatters": {
        "line": {
            "()": "project.logs.LogLine",
            "format": "%(asctime)s %(levelname)s %(name)s%(request_id)s: %(message)s",
        },
        "json": {"()": "project.logs.JsonLine"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "json" if LOG_FORMAT == "json" else "line"}
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django": {"level": "INFO"}, "django.security.DisallowedHost": {"filters": ["wrong_host"]}},
}
