"""Measure a whole issuer node: its start, first request, connections and memory, and its slowest answers."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import accounting, servers
from bench.backing import Backing
from bench.issuers import ROOT, restarted, served
from bench.load import Client, Drive, drive
from bench.rounds import prioritized
from bench.rows import client_credentials, request
from bench.servers import Server

CROWDS = (16, 64)
"""The numbers of simultaneous clients for which the connections are counted."""
LOOKS = 5
"""The number of times that the connections are counted for each of CROWDS."""
PATHS = ("/.well-known/jwks.json", "/.well-known/openid-configuration", "/readyz", "/healthz")


def connections(server: Server, *, clients: int, seconds: float) -> int:
    """Return the highest number of connections from the server to PostgreSQL under load.

    The load is `clients` simultaneous clients, which send token requests and requests of each path in PATHS. It lasts
    `seconds` in total, with LOOKS pauses in which the connections are counted.
    """
    sent = [client_credentials(server), *(request("GET", path) for path in PATHS)]
    most = 0
    for _ in range(LOOKS):
        drive(server.url, [_mixed(sent, number) for number in range(clients)], seconds=seconds / LOOKS)
        most = max(most, len(server.backends()))
    return most


def shared_connections(folder: Path, backing: Backing, *, workers: int, seconds: float) -> dict[int, int]:
    """Start an issuer whose workers share connections, and return the result of `connections` by number of clients.

    The numbers of clients are those in CROWDS. The issuer has DATABASE_CONNECTIONS=`workers` + 2. It is stopped at the
    end.
    """
    variables = servers.issuer_variables(folder, backing.redis_url) | {"DATABASE_CONNECTIONS": str(workers + 2)}
    with served(folder, workers=workers, variables=variables) as issuer:
        server = servers.of(issuer, "shared")
        return {crowd: connections(server, clients=crowd, seconds=seconds) for crowd in CROWDS}


def _mixed(sent: Sequence[bytes], first: int) -> Client:
    """Yield requests without end: `sent[0]` alternately with each of the other requests in `sent`.

    For example, the requests a, b and c are sent in the order b, a, c, a, b, a, and so on. `first` is the number of
    requests to skip at the beginning of this order.
    """
    number = first
    while True:
        yield sent[0] if number % 2 else sent[1 + number // 2 % (len(sent) - 1)]
        number += 1


def at_half_load(server: Server, backing: Backing, *, full: float, seconds: float) -> Drive:
    """Send token requests at the rate `full / 2`. Return the result, which has the wait for each answer.

    `full` is the rate at full load, in requests per second.
    """
    clients = [_repeated(client_credentials(server)) for _ in range(CROWDS[0])]
    with _undisturbed(server, backing):
        return drive(server.url, clients, seconds=seconds, rate=full / 2)


@contextmanager
def _undisturbed(server: Server, backing: Backing) -> Iterator[None]:
    """Give real-time priority to this process, the server, PostgreSQL and Redis while the block runs.

    A connection that the server opens in the block inherits the priority from PostgreSQL. So the priority of the
    server's connections is reset once more at the end.
    """
    with prioritized([os.getpid(), *server.processes(), *server.backends(), *backing.processes()]):
        yield
    with prioritized(server.backends()):
        pass  # which ends the priority that a new connection inherited


def _repeated(sent: bytes) -> Client:
    while True:
        yield sent


def first_request(folder: Path, backing: Backing) -> float:
    """Return the wait for the first token of a restarted issuer, divided by the median wait for later tokens.

    The client has got a token before the restart, as the clients of a deployment have.
    """
    with ExitStack() as stack:
        before = stack.enter_context(served(folder, variables=servers.issuer_variables(folder, backing.redis_url)))
        sent = client_credentials(servers.of(before, "before"))
        drive(before.url, [_once(sent)], seconds=60)
        server = servers.of(stack.enter_context(restarted(before, folder)), "fresh")
        with _undisturbed(server, backing):
            first = drive(server.url, [_once(sent)], seconds=60)
            later = drive(server.url, [_repeated(sent)], seconds=1)
    return first.wait(0.5) / later.wait(0.5)


def _once(sent: bytes) -> Client:
    yield sent


def check_ratio(keyturn: Mapping[str, str], plain: Mapping[str, str], *, rounds: int) -> float:
    """Return the CPU time of Django's `check` in the issuer, divided by that in a plain django-oauth-toolkit project.

    `keyturn` and `plain` are the environment variables of the two projects. Both checks run in each of `rounds` rounds.
    The result is the median of the ratios.
    """
    ratios = []
    for _ in range(rounds):
        mine, other = (_check(variables) for variables in (keyturn, plain))
        ratios.append(mine / other)
    return statistics.median(ratios)


def _check(variables: Mapping[str, str]) -> float:
    """Return the CPU seconds of one run of Django's `check` command, with `variables` as its environment."""
    before = os.times()
    command = [sys.executable, "-m", "django", "check"]
    subprocess.run(
        command, cwd=ROOT, env={"PATH": os.environ["PATH"], **variables}, check=True, stdout=subprocess.DEVNULL
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def memory(server: Server) -> float:
    """Return the memory of all processes of the server, in MiB (proportional set size)."""
    return accounting.pss(server.processes())
