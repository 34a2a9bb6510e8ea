"""The servers of a benchmark. Each runs in its own process group while the block of its context manager runs."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from bench import accounting, packages
from bench.issuers import ROOT, Served
from project.launch import processes
from tests.ports import free
from tests.services.conftest import database, wait_for

WORKERS = 2
SERVE = ("-m", "project.launch.serve", "--workers", str(WORKERS))


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `database` is the URL of its PostgreSQL database, or "" if it has none."""

    name: str
    url: str
    leader: int
    database: str = ""
    secret: str = ""
    """The secret of its client `service`."""

    def processes(self) -> list[int]:
        """Return the ids of the server's processes."""
        return accounting.group(self.leader)

    def backends(self) -> list[int]:
        """Return the ids of the PostgreSQL processes that serve the server's connections."""
        return accounting.backends(self.database) if self.database else []


SETTINGS = """
from django.db.backends.base.base import BaseDatabaseWrapper
from project.settings.issuer import *

# In development, Django keeps a log of all statements, which production does not.
BaseDatabaseWrapper.queries_logged = False
"""


def issuer_variables(folder: Path, cache: str) -> dict[str, str]:
    """Return environment variables for an issuer of any build. `cache` is the URL of its Redis."""
    (folder / "bench_issuer.py").write_text(SETTINGS, encoding="utf-8")
    return {"DJANGO_SETTINGS_MODULE": "bench_issuer", "PYTHONPATH": str(folder), "CACHE_URL": cache}


def of(served: Served, name: str) -> Server:
    """Return the running issuer `served` as a Server with this name."""
    return Server(name, served.url, served.child.process.pid, served.database, served.secret)


@contextmanager
def started(name: str, url: str, command: list[str], variables: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """Start a server by `command`, and stop it after the block.

    Waits until the server answers /healthz. A server on node has to print that it is ready instead.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={"PATH": os.environ["PATH"], **variables}, stdout=output, stderr=output,
            stdin=subprocess.PIPE, process_group=0,
        )  # fmt: skip
    child = processes.Child(name, url, log, process)
    try:
        if command[0] == "node":
            _await_line(child)
        else:
            processes.wait_until_ready(child, "/healthz")
        yield Server(name, url, process.pid, variables.get("DATABASE_URL", ""), variables.get("CLIENT_SECRET", ""))
    finally:
        processes.stop([child])


@contextmanager
def empty(folder: Path) -> Iterator[Server]:
    """Start the project `bench.peers.empty`, whose view returns an empty answer, under the issuer's server program."""
    port = free()
    command = [sys.executable, *SERVE, "--end-with-stdin", str(port)]
    settings = {"DJANGO_SETTINGS_MODULE": "bench.peers.empty"}
    with started("empty view", f"http://127.0.0.1:{port}", command, settings, folder) as server:
        yield server


@contextmanager
def api(folder: Path, issuer: Served, *, beside_peers: bool = True) -> Iterator[Server]:
    """Start the API, which trusts the issuer.

    If `beside_peers` is True, the API also has the views of `bench.peers.api`, for comparison with other libraries.
    """
    port, settings = free(), {"DJANGO_SETTINGS_MODULE": "project.settings.api", "KEY_POLICY": "production"}
    if beside_peers:
        settings = {"DJANGO_SETTINGS_MODULE": "bench.peers.api_settings", "PYTHONPATH": str(packages.simplejwt())}
    variables = settings | {
        "DEBUG": "true",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_DATABASE_URL": f"sqlite:///{folder}/api.sqlite3",
        "ISSUER_URL": issuer.url,
        "API_AUDIENCE": "https://api.example/",
        "ANSWER_WITHIN": "30",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=os.environ | variables, check=True
    )
    command = [sys.executable, *SERVE, "--end-with-stdin", str(port)]
    with started("API", f"http://127.0.0.1:{port}", command, variables, folder) as server:
        ready = f"{server.url}/readyz"
        wait_for(lambda: all(requests.get(ready, timeout=60).ok for _ in range(20)))  # both workers have the keys
        yield server


TOOLKIT_CLIENT = """
import django
django.setup()
from django.core.management import call_command
from oauth2_provider.models import Application
call_command("migrate", verbosity=0)
Application.objects.create(client_id="service", client_secret={secret!r}, client_type="confidential",
    authorization_grant_type="client-credentials", name="S")
"""


@contextmanager
def toolkit(folder: Path) -> Iterator[Server]:
    """Start a plain project with django-oauth-toolkit under granian (WSGI)."""
    port, secret = free(), secrets.token_urlsafe(32)
    with database() as url:
        variables = {
            "DJANGO_SETTINGS_MODULE": "bench.peers.toolkit",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": url,
            "CLIENT_SECRET": secret,
        }
        script = TOOLKIT_CLIENT.format(secret=secret)
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=os.environ | variables, check=True)
        command = [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", str(WORKERS), "--host", "127.0.0.1",
            "--port", str(port), "bench.peers.wsgi:application",
        ]  # fmt: skip
        with started("django-oauth-toolkit", f"http://127.0.0.1:{port}", command, variables, folder) as server:
            yield server


@contextmanager
def provider(folder: Path) -> Iterator[Server]:
    """Start oidc-provider on node, which stores everything in memory."""
    url, secret = f"http://localhost:{free()}", secrets.token_urlsafe(32)
    given = {"issuer": url, "audience": "https://api.example/", "secret": secret, "bound": False}
    command = ["node", str(packages.NODE / "dpop-provider.mjs"), json.dumps(given)]
    with started("oidc-provider", url, command, {"CLIENT_SECRET": secret}, folder) as server:
        yield server


@contextmanager
def express(folder: Path, issuer: Served) -> Iterator[Server]:
    """Start an Express application that trusts `issuer`. The package express-oauth2-jwt-bearer protects it."""
    url = f"http://localhost:{free()}"
    given = {"issuer": issuer.url, "audience": "https://api.example/", "url": url}
    command = ["node", str(packages.NODE / "dpop-api.mjs"), json.dumps(given)]
    with started("express-oauth2-jwt-bearer", url, command, {}, folder) as server:
        yield server


def _await_line(child: processes.Child) -> None:
    """Wait until the program prints that it is ready. Raises processes.Failed if the program ends instead."""
    while "ready" not in child.log.read_text(encoding="utf-8"):
        try:
            child.process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise processes.Failed(f"{child.name} did not start:\n{child.last_words()}")
