"""Start issuers for benchmarks, of this build or an earlier one, each with its own database. Measure their CPU time."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import requests

from bench import accounting
from project.launch import processes
from project.launch.ports import free
from tests.services import conftest as services
from tests.services.conftest import Issuer, end_session, migrated

__all__ = ["Issuer", "Served", "end_session", "python", "restarted", "served", "worktree"]

ROOT = Path(__file__).resolve().parent.parent
LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
# The server of a pytest process would not do: it does not write to the disk.
services.SERVER = services.SERVER or LOCAL
TOKEN_PATH = "/oauth/token"  # noqa: S105 (a path)
EARLIER = "token=999999/60,introspect=999999/60"
"""Rate limits so high that no benchmark reaches them, with only the names that the earlier builds also know."""
UNLIMITED = f"{EARLIER},revocations=999999/60,segments=999999/60"
NONE: Mapping[str, str] = {}
SHELL = ("shell", "-v", "0", "--no-imports", "-c")
CLIENT = """
from django.utils import timezone
from tokens.models import Api, Client, Scope
from tokens.clients import client_secret
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
service = Client.objects.create(client_id="service", name="S", grants=["client_credentials"],
    token_endpoint_auth_method="client_secret_post")
service.scopes.add(scope)
print(client_secret.create(service, now=timezone.now()))
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A running issuer."""

    issuer: Issuer
    child: processes.Child
    secret: str

    @property
    def url(self) -> str:
        """Return the URL at which the issuer listens."""
        return self.child.url

    @property
    def database(self) -> str:
        """Return the URL of the issuer's database."""
        return self.issuer.variables["DATABASE_URL"]

    def processes(self) -> list[int]:
        """Return the ids of the issuer's processes."""
        return accounting.group(self.child.process.pid)

    def connections(self) -> list[int]:
        """Return the ids of the PostgreSQL processes on this machine that serve the issuer's connections."""
        rows = self.issuer.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return [process for (process,) in rows if Path(f"/proc/{process}/task").exists()]

    def cpu(self) -> float:
        """Return the CPU seconds that the issuer's processes have used."""
        return accounting.cpu(self.processes())

    def cost(self, work: Callable[[], object], *, times: int = 1) -> float:
        """Run `work` `times` times, and return the issuer's CPU milliseconds for one run."""
        before = self.cpu()
        for _ in range(times):
            work()
        return (self.cpu() - before) * 1000 / times

    def execute(self, *statements: str) -> None:
        """Execute statements in the issuer's database, each in a transaction of its own."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def token(self, session: requests.Session) -> None:
        """Send a token request of the client `service`. Raises AssertionError if the issuer refuses it."""
        form = {"grant_type": "client_credentials", "scope": "notes:read", "client_id": "service"}
        answer = session.post(self.url + TOKEN_PATH, form | {"client_secret": self.secret}, timeout=60)
        assert answer.ok, answer.text


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """Check out a commit into a new folder in `folder`, and yield its path. The checkout is removed after the block."""
    path = folder / "before"
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(path), commit], cwd=ROOT, check=True)
    try:
        yield path
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(path)], cwd=ROOT, check=True)


@contextmanager
def served(
    folder: Path, root: Path = ROOT, *, workers: int = 1, variables: Mapping[str, str] = NONE
) -> Iterator[Served]:
    """Start an issuer of the build in `root` with a database of its own, and stop it after the block.

    `variables` are environment variables in addition to those of the tests.
    """
    with _at(root), migrated() as made:
        url = f"http://localhost:{free()}"
        limits = {"RATE_LIMITS": UNLIMITED if root == ROOT else EARLIER}
        issuer = replace(made, variables=made.variables | {"ISSUER_URL": url} | limits | dict(variables))
        issuer.run("rotate_keys")
        secret = issuer.run(*SHELL, CLIENT).strip()
        child = services.serve(issuer, url, folder / f"{url.rpartition(':')[2]}.log", workers=workers)
        try:
            processes.wait_until_ready(child, "/readyz")
            yield Served(issuer, child, secret)
        finally:
            processes.stop([child])


@contextmanager
def restarted(running: Served, folder: Path) -> Iterator[Served]:
    """Stop the issuer `running` of this build, and run it again with one worker while the block runs."""
    processes.stop([running.child])
    child = services.serve(
        running.issuer, running.url, folder / f"{running.url.rpartition(':')[2]}-again.log", workers=1
    )
    try:
        processes.wait_until_ready(child, "/readyz")
        yield replace(running, child=child)
    finally:
        processes.stop([child])


def python(root: Path, code: str) -> str:
    """Run Python code with the build in the folder `root`, and return its output."""
    run = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True)
    return run.stdout.strip()


@contextmanager
def _at(root: Path) -> Iterator[None]:
    """Make `tests.services` start the build in the folder `root` while the block runs."""
    kept, services.ROOT = services.ROOT, root
    try:
        yield
    finally:
        services.ROOT = kept
