"""The topology of deploy/ on loopback: nginx with TLS before two issuers and two APIs, on PostgreSQL and Redis.

nginx has the files of deploy/nginx/, which are docs/proxies.md's; only names, ports and paths differ. The issuers have
production settings, and shorter timings of keys, so that a rotation and N fit into the drill.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from project.drill.servers import Nginx, PostgreSQL, Redis
from project.launch import ports, processes
from project.launch.environment import ROOT, Variables
from project.launch.processes import Child
from tokens.rate_settings import RATE_LIMITS

TIMINGS = {
    "snapshot_age": 35, "reread": 2, "shared_cache": 2, "api_copy": 12, "clock_error": 5, "token_lifetime": 40,
    "leeway": 30, "announce": 60, "rotate_every": 7200, "keep": 60,
}  # fmt: skip
POLL = 1
"""Seconds between two polls of the revocation feed."""
WORKERS = 2
STARTS_WITHIN = 180
"""Seconds that a node may take to start on a busy machine. Its window stays open until then."""
AUDIENCE = "https://notes.example/"
ORDERS = "https://orders.example/"
ISSUERS, APIS = ("issuer-one", "issuer-two"), ("api-one", "api-two")


@dataclass(slots=True)
class Topology:
    """Everything that runs. `ports` by name: nginx's `issuer`, and each node."""

    folder: Path
    postgresql: PostgreSQL
    redis: Redis
    nginx: Nginx
    ports: Mapping[str, int]
    variables: dict[str, Variables]
    """The environment of each node, by its name."""
    children: dict[str, Child] = field(default_factory=dict)
    answer_within: float = 3
    """ANSWER_WITHIN of the nodes, in seconds. A machine that does other things needs more than the default."""

    @property
    def url(self) -> str:
        """Return the issuer's URL, at nginx."""
        return f"https://localhost:{self.ports['issuer']}"

    @property
    def certificate(self) -> Path:
        """Return the file of nginx's certificate."""
        return self.folder / "issuer.crt"

    @property
    def cut(self) -> Path:
        """Return the file that cuts api-two off from the issuer while it exists."""
        return self.folder / "cut"

    def command(self, *arguments: str) -> str:
        """Run manage.py with the issuer's environment. Returns its output; raises processes.Failed."""
        return processes.command(self.variables["issuer-one"], *arguments)

    def start(self, *nodes: str, **changes: str) -> None:
        """Start nodes with changed variables; returns once they live. Raises processes.Failed."""
        for node in nodes:
            port = self.ports[node]
            variables = self.variables[node] | changes
            self.children[node] = _serve(node, variables, port, self.folder / f"{node}.log")
        for node in nodes:
            processes.wait_until_ready(self.children[node], "/healthz", within=STARTS_WITHIN)

    def stop(self, node: str) -> None:
        """Terminate a node, and wait for its end."""
        processes.stop([self.children.pop(node)])


def _serve(name: str, variables: Variables, port: int, log: Path) -> Child:
    arguments = ["--workers", str(WORKERS), "--end-with-stdin", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-m", "project.launch.serve", *arguments],
            cwd=ROOT,
            env=processes.variables_for(variables, os.environ),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return Child(name, f"http://127.0.0.1:{port}", log, process)


@contextmanager
def running(folder: Path, *, answer_within: float) -> Iterator[Topology]:
    """Start PostgreSQL, Redis and nginx, and make databases and keys; the nodes are started by the caller."""
    made = _new(folder, answer_within)
    with ExitStack() as stack:
        stack.callback(lambda: made.cut.unlink(missing_ok=True))
        made.postgresql.make()
        stack.callback(made.postgresql.stop)
        stack.callback(made.postgresql.thaw)
        made.redis.start()
        stack.callback(made.redis.stop)
        made.postgresql.execute("CREATE DATABASE keyturn", "CREATE DATABASE notes")
        _certificate(folder)
        made.nginx.start(sites(made.ports, folder), made.ports["issuer"])
        stack.callback(made.nginx.stop)
        stack.callback(lambda: processes.stop(list(made.children.values())))
        made.command("migrate", "--verbosity", "0")
        made.command("rotate_keys")
        processes.command(made.variables["api-one"], "migrate", "--verbosity", "0")
        yield made


def _new(folder: Path, answer_within: float) -> Topology:
    names = ("issuer", "api", "postgresql", "redis", *ISSUERS, *APIS)
    numbers: dict[str, int] = {}
    for name in names:
        number = ports.free()
        while number in numbers.values():
            number = ports.free()
        numbers[name] = number
    postgresql = PostgreSQL(folder / "postgresql", numbers["postgresql"])
    made = Topology(
        folder, postgresql, Redis(folder, numbers["redis"]), Nginx(folder), numbers, {}, answer_within=answer_within
    )
    made.variables = {name: _issuer(made) for name in ISSUERS} | {name: _api(made) for name in APIS}
    own = made.variables["issuer-one"]
    made.variables["issuer-two"] = dict(own)
    made.variables["api-two"] = made.variables["api-one"] | {
        "PYTHONPATH": str(Path(__file__).parent / "cut_off"),
        "DRILL_CUT_FILE": str(made.cut),
        "DRILL_CUT_PORT": str(numbers["issuer"]),
    }
    return made


def _common(made: Topology, number: int) -> Variables:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "BEHIND_PROXY": "true",
        "CACHE_URL": f"redis://127.0.0.1:{made.ports['redis']}/{number}",
        "KEY_POLICY": "development",
        "ANSWER_WITHIN": f"{made.answer_within:g}",
        "OPERATOR_TOKEN": secrets.token_urlsafe(32),
    }


def _issuer(made: Topology) -> Variables:
    return _common(made, 0) | {
        "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
        "ISSUER_URL": made.url,
        "KEY_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        "KEY_TIMINGS": ",".join(f"{name}={seconds}" for name, seconds in TIMINGS.items()),
        "RATE_LIMITS": ",".join(f"{name}=999999/60" for name in RATE_LIMITS),
        "AUDIT_JOURNAL": str(made.folder / "audit.jsonl"),
        "DATABASE_URL": made.postgresql.url("keyturn"),
    }


def _api(made: Topology) -> Variables:
    return _common(made, 1) | {
        "DJANGO_SETTINGS_MODULE": "project.settings.api",
        "API_ISSUERS": made.url,
        "API_AUDIENCE": f"{AUDIENCE},{ORDERS}",
        "API_DATABASE_URL": made.postgresql.url("notes"),
        "REVOCATIONS_EVERY": str(POLL),
        "SSL_CERT_FILE": str(made.certificate),
    }


def sites(numbers: Mapping[str, int], folder: Path) -> str:
    """Return the files of deploy/nginx/ for issuers and APIs, with the drill's names, ports and paths."""
    text = "".join(
        (ROOT / "deploy" / "nginx" / name).read_text(encoding="utf-8")
        for name in ("upstreams.conf", "issuer.conf", "api.conf")
    )
    for node in (*ISSUERS, *APIS):
        text = text.replace(f"server {node}:8000", f"server 127.0.0.1:{numbers[node]}")
    text = text.replace("server webapp:8000", "server 127.0.0.1:9").replace("/etc/ssl/", f"{folder}/")
    for name in ("issuer", "api"):
        text = text.replace("listen 443", f"listen 127.0.0.1:{numbers[name]}", 1)
        text = text.replace(f"server_name {name}.example", "server_name localhost")
    return text


def _certificate(folder: Path) -> None:
    """Make a certificate for localhost."""
    subprocess.run(  # noqa: S603 (an installed program)
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / "issuer.key"), "-out", str(folder / "issuer.crt")),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
