"""Format the rows of `make bench`, and describe the machine and the versions."""

import os
import platform
from importlib.metadata import version

from bench import packages
from bench.backing import Backing
from bench.rounds import Rounds

FOREIGN = ("oidc-provider", "express-oauth2-jwt-bearer")


def row_text(rounds: Rounds, name: str) -> str:
    """Return the medians of a row as text.

    The text has CPU milliseconds (server, PostgreSQL, Redis), requests per second, and the wait in milliseconds.
    """
    parts = (
        rounds.figure(name, lambda sample, part=part: getattr(sample, part))
        for part in ("server", "postgresql", "redis")
    )
    split = " + ".join(f"{part:.3f}" for part in parts)
    rate, median = rounds.figure(name, lambda sample: sample.rate), rounds.figure(name, lambda sample: sample.median)
    return f"{rounds.figure(name):8.3f} ms CPU ({split}) {rate:8.0f} /s {median:7.2f} ms"


def conditions(services: Backing, base: str) -> dict[str, str]:
    """Return a description of the machine and the versions of the software, by name.

    `base` is the commit of the earlier build.
    """
    own = ("django", "granian", "django-oauth-toolkit", "djangorestframework", "pyjwt", "psycopg", "redis")
    return {
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": packages.postgresql_version(services.postgresql.address),
        "base": base,
        "packages": ", ".join(f"{name} {version(name)}" for name in own),
        "node": ", ".join(f"{name} {packages.node_version(name)}" for name in FOREIGN),
    }
