"""The environment files under var/, one per process. They are made at the first run, with random secrets, mode 0600.

- A process gets only its own variables. So the API never gets KEY_ENCRYPTION_KEYS.
- Secrets stay the same from run to run.
- Addresses are made from the ports, unless the shell's environment sets them.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from project.launch.ports import Ports

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = ROOT / "var"
DATABASES = ("issuer.sqlite3", "api.sqlite3")

Variables = dict[str, str]

SECRETS = {
    "issuer": ("SECRET_KEY", "KEY_ENCRYPTION_KEYS"),
    "api": ("SECRET_KEY",),
    "webapp": ("SECRET_KEY",),
    "demo": ("DEMO_PASSWORD", "ADMIN_PASSWORD", "WEBAPP_CLIENT_SECRET", "SERVICE_CLIENT_SECRET"),
}
# OTEL_SERVICE_NAME is not one of them: in a trace, each process has a name of its own.
TRACES = ("OTEL_TRACES", "OTEL_EXPORTER_OTLP_ENDPOINT")
# Variables that a process gets only if the environment sets them. .env.example describes each.
OPTIONAL = {
    "issuer": (
        *(
            "CACHE_URL",
            "LOGIN_CACHE_URL",
            "ALLOWED_HOSTS",
            "BEHIND_PROXY",
            "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT",
        ),
        *("BRAND_NAME", "BRAND_LOGO", "BRAND_COLOR", "LANGUAGES", "SESSION_ADDRESSES", "SESSION_PLACES"),
        *("AUDIT_RETENTION_DAYS", "REDIRECT_ALLOW_LIST"),
        *("METRICS_ADDRESS", "METRICS_FROM", "LOG_FORMAT", "ACCESS_LOG", *TRACES),
        *("GROUPS_CLAIM", "CLAIMS", "CLAIMS_SOURCE", "NAME_FROM_USERNAME", "USERINFO_TOKEN_IN_BODY"),
        "RECIPES",
        *("REQUIRE_PUSHED_AUTHORIZATION_REQUESTS", "PUSHED_REQUEST_LIFETIME", "FAPI2"),
        "DPOP_REQUIRES_NONCE",
        *("CLIENT_ID_METADATA_DOCUMENTS", "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS", "DYNAMIC_REGISTRATION"),
        *("CLIENT_DOCUMENT_HOSTS", "CLIENT_DOCUMENT_DENIED_HOSTS"),
        *("OPEN_CLIENT_SCOPES", "OPEN_CLIENT_APIS", "OPEN_CLIENT_GRANT_TYPES", "RATE_LIMITS"),
        *("SECOND_FACTOR_GROUPS", "SECOND_FACTOR_STAFF", "PRIVATE_LOGOUT_HOSTS"),
        *("ADMIN", "ADMIN_HOST"),
        *("EMAIL_URL", "MAIL_FROM", "SIGN_UP"),
        *("PKCS11_MODULE", "PKCS11_TOKEN", "PKCS11_PIN"),
    ),
    "api": (
        *("CACHE_URL", "ALLOWED_HOSTS", "JWKS_URL", "BEHIND_PROXY", "METRICS_ADDRESS", "METRICS_FROM"),
        *("LOG_FORMAT", "ACCESS_LOG", *TRACES),
        *("REVOCATIONS_EVERY", "REVOCATIONS_LATE_AFTER", "REVOCATIONS_WHEN_LATE"),
    ),
    "webapp": TRACES,
    "demo": (),
}
# The key policy of the last run stays until the environment sets another or an empty value, because the keys in the
# database were made with it, and manage.py has to use the same policy.
POLICY = ("KEY_POLICY", "KEY_TIMINGS")


class LostEnvironment(Exception):
    """A database exists, but an environment file lacks the secrets for it. The message is one line."""


@dataclass(frozen=True, slots=True)
class Environments:
    """The environment variables of each process, and the demo's credentials in plain text (databases store hashes)."""

    issuer: Variables
    api: Variables
    webapp: Variables
    demo: Variables


def read(path: Path) -> Variables:
    """Return the variables of an environment file (NAME=value lines), or {} if there is no file."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def write(path: Path, variables: Variables) -> None:
    """Write an environment file atomically, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in variables.items())
    draft.replace(path)


def prepare(ports: Ports, environ: Mapping[str, str], var: Path = VAR) -> Environments:
    """Write the environment files and return their variables.

    Raises LostEnvironment if a database exists but the secrets for it are missing.
    """
    kept_secrets = {process: _secrets(process, var) for process in SECRETS}
    policy = _policy(environ, var)
    further = _addresses(ports, {**environ, **policy}, var)
    further["issuer"] |= policy
    further["webapp"]["WEBAPP_CLIENT_SECRET"] = kept_secrets["demo"]["WEBAPP_CLIENT_SECRET"]
    for process in SECRETS:
        optional = {name: environ[name] for name in OPTIONAL[process] if environ.get(name)}
        write(var / f"{process}.env", kept_secrets[process] | further[process] | optional)
    return Environments(**{process: read(var / f"{process}.env") for process in SECRETS})


def use_development_environment(var: Path = VAR) -> None:
    """Set each environment variable of issuer and API that this process lacks. Used by project.settings.standalone.

    The values are those of the last `make run`, so that `manage.py` uses the same databases. If there was no such run,
    write new environment files first.
    """
    if not {"SECRET_KEY", "KEY_ENCRYPTION_KEYS"} <= os.environ.keys() and not _is_complete(var):
        prepare(Ports(), {}, var)
    var.mkdir(exist_ok=True)
    defaults = _addresses(Ports(), {}, var)
    names = defaults["api"] | read(var / "api.env") | defaults["issuer"] | read(var / "issuer.env")
    for name, value in names.items():
        if name != "DJANGO_SETTINGS_MODULE" and not os.environ.get(f"{name}_FILE"):
            os.environ.setdefault(name, value)


def _secrets(process: str, var: Path) -> Variables:
    """Return the secrets of the process from its environment file. Generate each secret that the file lacks.

    Raises LostEnvironment if a secret is missing, but a database that needs it exists.
    """
    path = var / f"{process}.env"
    variables = read(path)
    missing = [name for name in SECRETS[process] if not variables.get(name)]
    databases = [name for name in DATABASES if (var / name).exists()]
    if missing and databases:
        raise LostEnvironment(
            f"{path} lacks {missing[0]}, which {var / databases[0]} needs. "
            "Restore the file, or start over with: make reset"
        )
    return {name: variables.get(name) or secrets.token_urlsafe(32) for name in SECRETS[process]}


def _policy(environ: Mapping[str, str], var: Path) -> Variables:
    """Return KEY_POLICY and KEY_TIMINGS. Omits a variable without a value.

    If `environ` does not set a variable, its value is that of the last run.
    """
    last = read(var / "issuer.env")
    values = {name: environ.get(name, last.get(name)) for name in POLICY}
    return {name: value for name, value in values.items() if value}


def _is_complete(var: Path) -> bool:
    return all(set(names) <= read(var / f"{process}.env").keys() for process, names in SECRETS.items())


def _addresses(ports: Ports, environ: Mapping[str, str], var: Path) -> dict[str, Variables]:
    """Return the variables that are not secret, by process.

    If `environ` does not set a variable, its value is made from the ports or is a default.
    """

    def value(name: str, default: str) -> str:
        return environ.get(name) or default

    issuer = value("ISSUER_URL", ports.url("issuer"))
    audience = value("API_AUDIENCE", f"{ports.url('api')}/")
    common = {
        "DEBUG": "true",
        "KEY_POLICY": value("KEY_POLICY", "development"),
        "ANSWER_WITHIN": value("ANSWER_WITHIN", "15"),  # seconds; a developer's machine is often busy
    }
    issuer_process = {
        "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
        "OTEL_SERVICE_NAME": "keyturn-issuer",
        "ISSUER_URL": issuer,
        "DATABASE_URL": value("DATABASE_URL", _sqlite(var / "issuer.sqlite3")),
        "AUDIT_JOURNAL": value("AUDIT_JOURNAL", str(var / "audit.jsonl")),
    }
    api_process = {
        "DJANGO_SETTINGS_MODULE": "project.settings.api",
        "OTEL_SERVICE_NAME": "keyturn-api",
        "API_ISSUERS": value("API_ISSUERS", issuer),
        "API_AUDIENCE": audience,
        "API_DOCS_CLIENT_ID": "api-docs",
        "REVOCATIONS_EVERY": "2",  # seconds, so that a revocation takes effect at once
        "API_DATABASE_URL": value("API_DATABASE_URL", _sqlite(var / "api.sqlite3")),
    }
    webapp = _webapp(ports, issuer=issuer, audience=audience.partition(",")[0])
    return {"issuer": issuer_process | common, "api": api_process | common, "webapp": webapp, "demo": {}}


def _webapp(ports: Ports, *, issuer: str, audience: str) -> Variables:
    """Return the variables of the example web application that are not secret."""
    return {
        "DJANGO_SETTINGS_MODULE": "examples.webapp.settings",
        "DEBUG": "true",
        "ISSUER_URL": issuer,
        "API_URL": ports.url("api"),
        "API_AUDIENCE": audience,
        "WEBAPP_URL": ports.url("webapp"),
        "WEBAPP_CLIENT_ID": "webapp",
    }


def _sqlite(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"
