"""The environment files under var/: made once with random secrets, mode 0600, one per process.

A process is given its own variables and nobody else's: the API never sees KEY_ENCRYPTION_KEYS. Secrets are kept from
run to run; addresses follow the ports, unless the environment names them.
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
# What a process is told only when the environment names it; .env.example says what each means.
OPTIONAL = {
    "issuer": ("CACHE_URL", "LOGIN_CACHE_URL", "ALLOWED_HOSTS", "BEHIND_PROXY"),
    "api": (
        *("CACHE_URL", "ALLOWED_HOSTS", "JWKS_URL", "BEHIND_PROXY"),
        *("REVOCATIONS_EVERY", "REVOCATIONS_LATE_AFTER", "REVOCATIONS_WHEN_LATE"),
    ),
    "webapp": (),
    "demo": (),
}
# How long keys live. Kept from run to run until the environment names another value, or an empty one. The keys in the
# database were made under it, and manage.py has to plan by it.
POLICY = ("KEY_POLICY", "KEY_TIMINGS")


class LostEnvironment(Exception):
    """Databases are there and the secrets that belong to them are not; the message is one line."""


@dataclass(frozen=True, slots=True)
class Environments:
    """The variables of each process, and the demo's credentials (the databases hold only their hashes)."""

    issuer: Variables
    api: Variables
    webapp: Variables
    demo: Variables


def read(path: Path) -> Variables:
    """The NAME=value lines of an environment file; empty when there is none."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def write(path: Path, variables: Variables) -> None:
    """Write an environment file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in variables.items())
    draft.replace(path)


def prepare(ports: Ports, environ: Mapping[str, str], var: Path = VAR) -> Environments:
    """Make or renew the environment files; raises LostEnvironment when a database has outlived its secrets."""
    kept = {process: _secrets(process, var) for process in SECRETS}
    policy = _policy(environ, var)
    own = _addresses(ports, {**environ, **policy}, var)
    own["issuer"] |= policy
    own["webapp"]["WEBAPP_CLIENT_SECRET"] = kept["demo"]["WEBAPP_CLIENT_SECRET"]
    for process in SECRETS:
        named = {name: environ[name] for name in OPTIONAL[process] if environ.get(name)}
        write(var / f"{process}.env", kept[process] | own[process] | named)
    return Environments(**{process: read(var / f"{process}.env") for process in SECRETS})


def use_development_environment(var: Path = VAR) -> None:
    """Give this process development defaults for what its environment leaves unset (project.settings.standalone).

    They are those of the last `make run`, so that `manage.py` works on the databases that it serves.
    """
    if not {"SECRET_KEY", "KEY_ENCRYPTION_KEYS"} <= os.environ.keys() and not _is_complete(var):
        prepare(Ports(), {}, var)
    var.mkdir(exist_ok=True)
    defaults = _addresses(Ports(), {}, var)
    names = defaults["api"] | read(var / "api.env") | defaults["issuer"] | read(var / "issuer.env")
    for name, value in names.items():
        if name != "DJANGO_SETTINGS_MODULE":
            os.environ.setdefault(name, value)


def _secrets(process: str, var: Path) -> Variables:
    path = var / f"{process}.env"
    variables = read(path)
    missing = [name for name in SECRETS[process] if not variables.get(name)]
    outlived = [name for name in DATABASES if (var / name).exists()]
    if missing and outlived:
        raise LostEnvironment(
            f"{missing[0]} is gone from {path} and {var / outlived[0]} still needs it. "
            "Put the file back, or start over with: make reset"
        )
    return {name: variables.get(name) or secrets.token_urlsafe(32) for name in SECRETS[process]}


def _policy(environ: Mapping[str, str], var: Path) -> Variables:
    """Return the key policy that the environment names, or else the one of the last run; empty values are left out."""
    kept = read(var / "issuer.env")
    values = {name: environ.get(name, kept.get(name)) for name in POLICY}
    return {name: value for name, value in values.items() if value}


def _is_complete(var: Path) -> bool:
    return all(set(names) <= read(var / f"{process}.env").keys() for process, names in SECRETS.items())


def _addresses(ports: Ports, environ: Mapping[str, str], var: Path) -> dict[str, Variables]:
    """What is not secret, per process: what the environment names, and else what the ports say."""

    def named(name: str, default: str) -> str:
        return environ.get(name) or default

    issuer = named("ISSUER_URL", ports.url("issuer"))
    audience = named("API_AUDIENCE", f"{ports.url('api')}/")
    common = {
        "DEBUG": "true",
        "KEY_POLICY": named("KEY_POLICY", "development"),
        "ANSWER_WITHIN": named("ANSWER_WITHIN", "15"),  # a developer's machine has more to do
    }
    return {
        "issuer": {
            "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
            "ISSUER_URL": issuer,
            "DATABASE_URL": named("DATABASE_URL", _sqlite(var / "issuer.sqlite3")),
            "AUDIT_JOURNAL": named("AUDIT_JOURNAL", str(var / "audit.jsonl")),
            **common,
        },
        "api": {
            "DJANGO_SETTINGS_MODULE": "project.settings.api",
            "API_ISSUERS": named("API_ISSUERS", issuer),
            "API_AUDIENCE": audience,
            "REVOCATIONS_EVERY": "2",  # seconds: what is taken back is seen to die
            "API_DATABASE_URL": named("API_DATABASE_URL", _sqlite(var / "api.sqlite3")),
            **common,
        },
        "webapp": {
            "DJANGO_SETTINGS_MODULE": "examples.webapp.settings",
            "DEBUG": "true",
            "ISSUER_URL": issuer,
            "API_URL": ports.url("api"),
            "API_AUDIENCE": audience.partition(",")[0],
            "WEBAPP_URL": ports.url("webapp"),
            "WEBAPP_CLIENT_ID": "webapp",
        },
        "demo": {},
    }


def _sqlite(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"
