"""`make check` without the tests: format, lint, types, migrations, and deployment checks of issuer and API."""

import os
import secrets
import subprocess
import sys

from project.launch.environment import ROOT, Variables
from project.launch.processes import variables_for

PYTHON = sys.executable
FORMAT = (PYTHON, "-m", "ruff", "format", "--check", ".")
LINT = (PYTHON, "-m", "ruff", "check", ".")
TYPES = (PYTHON, "-m", "mypy")
MIGRATIONS = (PYTHON, "manage.py", "makemigrations", "--check", "--dry-run")
DEPLOYMENT = (PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING")


def production(settings: str) -> Variables:
    """Return the environment variables of a production process with the settings module `settings`.

    The secrets are random.
    """
    return {
        "DJANGO_SETTINGS_MODULE": settings,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "KEY_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        "ALLOWED_HOSTS": "issuer.example,api.example",
        "ISSUER_URL": "https://issuer.example",
        "API_AUDIENCE": "https://api.example/",
        "AUDIT_JOURNAL": os.devnull,
        "DATABASE_URL": "sqlite://:memory:",
        "API_DATABASE_URL": "sqlite://:memory:",
        "CACHE_URL": "redis://127.0.0.1:6379/0",
    }


def api() -> Variables:
    """Return the environment variables of an API process. Only API_ISSUERS, the issuer's URL, is about the issuer."""
    everything = production("project.settings.api") | {"API_ISSUERS": "https://issuer.example"}
    return {
        name: everything[name]
        for name in everything.keys() - {"ISSUER_URL", "DATABASE_URL", "KEY_ENCRYPTION_KEYS", "AUDIT_JOURNAL"}
    }


def development() -> Variables:
    """Return the environment variables of a process for development, which is both issuer and API."""
    return production("project.settings.standalone") | {"DEBUG": "true", "CACHE_URL": ""}


def main() -> None:
    """Run every step of `make check` except the tests. Exit with 1 if a step fails."""
    steps: list[tuple[str, tuple[str, ...], Variables]] = [
        ("format", FORMAT, {}),
        ("lint", LINT, {}),
        ("types", TYPES, development()),
        ("migrations", MIGRATIONS, development()),
        ("deployment of the issuer", DEPLOYMENT, production("project.settings.issuer")),
        ("deployment of the API", DEPLOYMENT, api()),
    ]
    failed = [name for name, command, variables in steps if not passes(name, command, variables)]
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


def passes(name: str, command: tuple[str, ...], variables: Variables) -> bool:
    """Print the name of a step and run it. Returns True if it succeeds."""
    print(f"-- {name}", flush=True)
    return subprocess.run(command, cwd=ROOT, env=variables_for(variables, os.environ), check=False).returncode == 0  # noqa: S603


if __name__ == "__main__":
    main()
