"""Compare the servers under which the issuer can run: CPU time per token, connections, waits and memory.

Run it with `python -m bench.server_choice`. docs/performance.md has the resulting table. gunicorn is installed into
`.environments/`.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import psutil

from bench import node, servers
from bench.backing import backing
from bench.figures import load
from bench.issuers import ROOT, served
from bench.load import drive
from bench.rounds import Sample, measure
from bench.rows import Row, client_credentials, same
from bench.servers import Server
from tests.ports import free

GUNICORN = "gunicorn==23.0.0"
WSGI = "project.wsgi:application"
ROUNDS, SECONDS = 3, 2.0


def commands(port: int) -> Mapping[str, list[str]]:
    """Return the command line that starts each server on the port, by the name of the server."""
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--port", str(port)]
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    return {
        "project.launch.serve, 8 threads": [sys.executable, *servers.SERVE, "--end-with-stdin", str(port)],
        "granian WSGI, 8 threads": [*granian, "--blocking-threads", "8", WSGI],
        "granian WSGI, 2 threads": [*granian, "--blocking-threads", "2", WSGI],
        "gunicorn gthread, 8 threads": [*gunicorn, "--worker-class", "gthread", "--threads", "8", WSGI],
        "gunicorn gthread, 8 threads, preload": [*gunicorn, "--preload", "--threads", "8", WSGI],
    }


def main() -> None:
    """Start all servers with the same database, measure each server in every round, and print a table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyturn-bench-")))
        services = stack.enter_context(backing(folder))
        issuer = stack.enter_context(served(folder, variables=servers.issuer_variables(folder, services.redis_url)))
        variables = {**issuer.issuer.variables, "PYTHONPATH": f"{installed()}:{folder}", "CLIENT_SECRET": issuer.secret}
        rows: list[Row] = []
        results: dict[str, tuple[list[Sample], float]] = {}
        for name in commands(0):
            port = free()
            url = f"http://localhost:{port}"
            server = stack.enter_context(servers.started(name, url, commands(port)[name], variables, folder))
            rows.append(Row(name, server, same(client_credentials(server))))
            results[name] = ([], node.memory(server))
        for number in range(ROUNDS + 1):
            for row in rows:
                sample = measure(row, services, seconds=SECONDS)
                if number:
                    results[row.name][0].append(sample)
        print(load())
        for row in rows:
            print(line(row, *results[row.name]))


def line(row: Row, samples: list[Sample], idle: float) -> str:
    """Return the line of the printed table for a server. `idle` is the server's memory before the load, in MiB."""
    cpu = statistics.median(sample.server for sample in samples)
    rate = statistics.median(sample.rate for sample in samples)
    opened = connections(row.server)
    return f"| {row.name} | {cpu:.2f} | {rate:.0f} | {opened} | {idle:.0f} | {node.memory(row.server):.0f} |"


def connections(server: Server) -> int:
    """Return the number of connections from the server's processes to PostgreSQL while 64 clients send requests."""
    crowd = [client for _ in range(4) for client in same(client_credentials(server))()]
    drive(server.url, crowd, seconds=2)
    return sum(len(to_postgresql(process, server)) for process in server.processes())


def to_postgresql(process: int, server: Server) -> list[str]:
    """Return the local addresses of a process's connections to the port of `server`'s PostgreSQL."""
    port = int(server.database.rpartition(":")[2].partition("/")[0])
    connections = psutil.Process(process).net_connections("tcp")
    return [
        str(connection.laddr)
        for connection in connections
        if connection.raddr and connection.raddr.port == port and connection.status == "ESTABLISHED"
    ]


def installed() -> Path:
    """Return a folder in which gunicorn is installed. Installs it there if it is missing."""
    folder = ROOT / ".environments" / GUNICORN.replace("==", "-")
    if not folder.exists():
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(folder), GUNICORN]
        subprocess.run(command, check=True)
    return folder


if __name__ == "__main__":
    main()
