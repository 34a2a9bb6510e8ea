"""The topology of deploy/ on loopback: nginx with TLS, issuers, APIs, a web application, PostgreSQL and Redis.

nginx stands before the nodes (issuers, APIs and web application). It uses the files of deploy/nginx/ (docs/proxies.md),
but with other host names, ports and paths. The issuers have production settings, but shorter key timings. So a
rotation, and an outage longer than `snapshot_age`, fit into the drill.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from project.drill.servers import Nginx, PostgreSQL, Redis
from project.launch import ports, processes
from project.launch.environment import ROOT, Variables
from project.launch.processes import Child
from tokens.settings.rate import RATE_LIMITS

TIMINGS = {
    "snapshot_age": 35, "reread": 2, "shared_cache": 2, "api_copy": 12, "clock_error": 5, "token_lifetime": 40,
    "leeway": 30, "announce": 60, "rotate_every": 7200, "keep": 60,
}  # fmt: skip
POLL = 1
"""Seconds between two polls of the revocation feed."""
WORKERS = 2
STARTS_WITHIN = 180
"""Seconds within which a node must start on a busy machine. The fault's window stays open until it has started."""
AUDIENCE = "https://notes.example/"
ORDERS = "https://orders.example/"
ISSUERS, APIS = ("issuer-one", "issuer-two"), ("api-one", "api-two")
WEBAPP = "webapp"
PREPARE = "from django.core.management import call_command as run; run('migrate', verbosity=0); run('rotate_keys')"
"""One process runs both commands, because a process takes seconds to start."""


@dataclass(slots=True)
class Topology:
    """All running processes of the drill's deployment, with their ports and environments.

    `ports` has the ports of nginx under `issuer`, `api` and `app`, and the port of each node under its name.
    """

    folder: Path
    postgresql: PostgreSQL
    redis: Redis
    nginx: Nginx
    ports: Mapping[str, int]
    variables: dict[str, Variables]
    """The environment of each node, by its name."""
    children: dict[str, Child] = field(default_factory=dict)
    answer_within: float = 3
    """ANSWER_WITHIN of the nodes, in seconds. A machine that also does other work needs more than the default."""

    @property
    def url(self) -> str:
        """Return the issuer's URL. Requests to it go through nginx."""
        return f"https://localhost:{self.ports['issuer']}"

    @property
    def application(self) -> str:
        """Return the URL of the web application. Requests to it go through nginx."""
        return f"https://localhost:{self.ports['app']}"

    @property
    def certificate(self) -> Path:
        """Return the path of nginx's certificate."""
        return self.folder / "issuer.crt"

    @property
    def cut(self) -> Path:
        """Return the path of a file. While the file exists, api-two cannot connect to the issuer.

        The fault `cut_off_api` creates and deletes the file.
        """
        return self.folder / "cut"

    def command(self, *arguments: str) -> str:
        """Run manage.py with the issuer's environment, and return its output. Raises processes.Failed if it fails."""
        return processes.command(self.variables["issuer-one"], *arguments)

    def start(self, *nodes: str, **changes: str) -> None:
        """Start the nodes, and wait until they answer. `changes` replaces some of their environment variables.

        Raises processes.Failed if a start fails.
        """
        for node in nodes:
            port = self.ports[node]
            variables = self.variables[node] | changes
            self.children[node] = _serve(node, variables, port, self.folder / f"{node}.log")
        for node in nodes:
            processes.wait_until_ready(self.children[node], "/healthz", within=STARTS_WITHIN)

    def stop(self, node: str) -> None:
        """Terminate a node, and wait until it has ended."""
        processes.stop([self.children.pop(node)])


def _serve(name: str, variables: Variables, port: int, log: Path) -> Child:
    """Start a process that serves the node `name` at `port`, and return it. Append its output to the file `log`."""
    workers = 1 if name == WEBAPP else WORKERS  # the web application keeps ended sessions in memory
    arguments = ["--workers", str(workers), "--end-with-stdin", str(port)]
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
    """Run PostgreSQL, Redis and nginx while the block runs, and yield the topology.

    The issuer's database and the API's database are new. The caller must start the nodes by `Topology.start`. The nodes
    and servers are stopped after the block.
    """
    topology = _new(folder, answer_within)
    with ExitStack() as stack:
        stack.callback(lambda: topology.cut.unlink(missing_ok=True))
        pool = stack.enter_context(ThreadPoolExecutor())
        certificate = pool.submit(_certificate, folder)
        topology.postgresql.make()
        stack.callback(topology.postgresql.stop)
        stack.callback(topology.postgresql.thaw)
        topology.redis.start()
        stack.callback(topology.redis.stop)
        topology.postgresql.execute("CREATE DATABASE keyturn", "CREATE DATABASE notes")
        notes = pool.submit(processes.command, topology.variables["api-one"], "migrate", "--verbosity", "0")
        certificate.result()
        topology.nginx.start(sites(topology.ports, folder), topology.ports["issuer"])
        stack.callback(topology.nginx.stop)
        stack.callback(lambda: processes.stop(list(topology.children.values())))
        topology.command("shell", "-v", "0", "--no-imports", "-c", PREPARE)
        notes.result()
        yield topology


def _new(folder: Path, answer_within: float) -> Topology:
    """Return a topology that has not been started. Each server has a free port, and each node has its environment.

    Both issuer nodes have the same environment, and so the same secrets. The second API can be cut off from the issuer
    (`cut_off`).
    """
    names = ("issuer", "api", "app", "postgresql", "redis", *ISSUERS, *APIS, WEBAPP)
    numbers: dict[str, int] = {}
    for name in names:
        number = ports.free()
        while number in numbers.values():
            number = ports.free()
        numbers[name] = number
    postgresql = PostgreSQL(folder / "postgresql", numbers["postgresql"])
    topology = Topology(
        folder, postgresql, Redis(folder, numbers["redis"]), Nginx(folder), numbers, {}, answer_within=answer_within
    )
    topology.variables = {name: _issuer(topology) for name in ISSUERS} | {name: _api(topology) for name in APIS}
    own = topology.variables["issuer-one"]
    topology.variables["issuer-two"] = dict(own)
    topology.variables["api-two"] = topology.variables["api-one"] | {
        "PYTHONPATH": str(Path(__file__).parent / "cut_off"),
        "DRILL_CUT_FILE": str(topology.cut),
        "DRILL_CUT_PORT": str(numbers["issuer"]),
    }
    topology.variables[WEBAPP] = _webapp(topology)
    return topology


def _common(topology: Topology, number: int) -> Variables:
    """Return the environment variables that issuer nodes and API nodes have in common.

    `number` is the number of the Redis database in `CACHE_URL`.
    """
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "BEHIND_PROXY": "true",
        "CACHE_URL": f"redis://127.0.0.1:{topology.ports['redis']}/{number}",
        "KEY_POLICY": "development",
        "ANSWER_WITHIN": f"{topology.answer_within:g}",
        "OPERATOR_TOKEN": secrets.token_urlsafe(32),
    }


def _issuer(topology: Topology) -> Variables:
    """Return the environment variables of an issuer node, with new secrets."""
    return _common(topology, 0) | {
        "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
        "ISSUER_URL": topology.url,
        "KEY_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        "KEY_TIMINGS": ",".join(f"{name}={seconds}" for name, seconds in TIMINGS.items()),
        "RATE_LIMITS": ",".join(f"{name}=999999/60" for name in RATE_LIMITS),
        "AUDIT_JOURNAL": str(topology.folder / "audit.jsonl"),
        "DATABASE_URL": topology.postgresql.url("keyturn"),
    }


def _api(topology: Topology) -> Variables:
    return _common(topology, 1) | {
        "DJANGO_SETTINGS_MODULE": "project.settings.api",
        "API_ISSUERS": topology.url,
        "API_AUDIENCE": f"{AUDIENCE},{ORDERS}",
        "API_DATABASE_URL": topology.postgresql.url("notes"),
        "REVOCATIONS_EVERY": str(POLL),
        "SSL_CERT_FILE": str(topology.certificate),
    }


def _webapp(topology: Topology) -> Variables:
    """Return the environment variables of the web application, with new secrets."""
    return {
        "DJANGO_SETTINGS_MODULE": "examples.webapp.settings",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "ISSUER_URL": topology.url,
        "API_URL": f"https://localhost:{topology.ports['api']}",
        "API_AUDIENCE": AUDIENCE,
        "WEBAPP_URL": topology.application,
        "WEBAPP_CLIENT_ID": WEBAPP,
        "WEBAPP_CLIENT_SECRET": secrets.token_urlsafe(32),
        "REQUESTS_CA_BUNDLE": str(topology.certificate),
    }


def sites(numbers: Mapping[str, int], folder: Path) -> str:
    """Return the nginx sites of deploy/nginx/ as one text, with the drill's host name, ports and certificate.

    The host name is localhost. `numbers` has the port of each node, such as "api-one", and of each site ("issuer",
    "api" and "app"). `folder` is the folder of the certificate.
    """
    text = "".join(
        (ROOT / "deploy" / "nginx" / name).read_text(encoding="utf-8")
        for name in ("upstreams.conf", "issuer.conf", "api.conf", "webapp.conf")
    )
    for node in (*ISSUERS, *APIS, WEBAPP):
        text = text.replace(f"server {node}:8000", f"server 127.0.0.1:{numbers[node]}")
    text = text.replace("/etc/ssl/", f"{folder}/")
    for name in ("issuer", "api", "app"):
        text = text.replace("listen 443", f"listen 127.0.0.1:{numbers[name]}", 1)
        text = text.replace(f"server_name {name}.example", "server_name localhost")
    return text


def _certificate(folder: Path) -> None:
    """Make a self-signed certificate for localhost: the files issuer.crt and issuer.key in the folder."""
    subprocess.run(  # noqa: S603 (an installed program)
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / "issuer.key"), "-out", str(folder / "issuer.crt")),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
