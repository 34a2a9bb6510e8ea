"""Figures of a whole issuer node: start, first request, connections, memory, slowest answers."""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import accounting, servers
from bench.backing import Backing
from bench.issuers import ROOT, served
from bench.load import Client, Drive, drive
from bench.rounds import prioritized
from bench.rows import client_credentials, request
from bench.servers import Server

CROWDS = (16, 64)
"""Clients at once for which the connections are counted."""
LOOKS = 5
"""Counts of the connections while each crowd sends."""
PATHS = ("/.well-known/jwks.json", "/.well-known/openid-configuration", "/readyz", "/healthz")


def connections(server: Server, *, clients: int, seconds: float) -> int:
    """Return the most connections at PostgreSQL that were counted while so many clients sent requests of each kind."""
    sent = [client_credentials(server), *(request("GET", path) for path in PATHS)]
    most = 0
    for _ in range(LOOKS):
        drive(server.url, [_mixed(sent, number) for number in range(clients)], seconds=seconds / LOOKS)
        most = max(most, len(server.backends()))
    return most


def _mixed(sent: Sequence[bytes], first: int) -> Client:
    """Send half of the requests to the token endpoint, and the rest to the others in turn."""
    number = first
    while True:
        yield sent[0] if number % 2 else sent[1 + number // 2 % (len(sent) - 1)]
        number += 1


def at_half_load(server: Server, *, full: float, seconds: float) -> Drive:
    """Return the waits of token requests at half of the rate `full` (requests per second)."""
    clients = [_repeated(client_credentials(server)) for _ in range(CROWDS[0])]
    with prioritized([os.getpid(), *server.processes(), *server.backends()]):
        return drive(server.url, clients, seconds=seconds, rate=full / 2)


def _repeated(sent: bytes) -> Client:
    while True:
        yield sent


def first_request(folder: Path, backing: Backing) -> float:
    """Return the time of the first token of a fresh worker, in units of the median of those that follow."""
    with served(folder, variables=servers.issuer_variables(folder, backing.redis_url)) as one:
        server = servers.of(one, "fresh")
        sent = client_credentials(server)
        with prioritized([os.getpid(), *server.processes()]):
            first = drive(server.url, [_once(sent)], seconds=60)
            later = drive(server.url, [_repeated(sent)], seconds=1)
    return first.wait(0.5) / later.wait(0.5)


def _once(sent: bytes) -> Client:
    yield sent


def check_ratio(ours: Mapping[str, str], plain: Mapping[str, str], *, rounds: int) -> float:
    """Return the CPU time of `manage.py check` of the issuer, in units of the plain toolkit's, each in turn."""
    ratios = []
    for _ in range(rounds):
        mine, other = (_check(variables) for variables in (ours, plain))
        ratios.append(mine / other)
    return statistics.median(ratios)


def _check(variables: Mapping[str, str]) -> float:
    """Return the CPU seconds of one `check`."""
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
