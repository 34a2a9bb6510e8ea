"""The targets of `make bench`, and the line that shows each target."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.figures import Row as Line
from bench.rounds import Rounds
from bench.servers import WORKERS

BEFORE = "before: "
"""The beginning of the names of the earlier build's rows."""
PEER = "oidc-provider token"
RS256 = "token RS256"
EMPTY, DRF = "empty view", "DRF floor"

OF_PEER = {RS256: 0.9, "token ES256": 0.6, "token, private_key_jwt": 1.6, "token exchange": 1.6, "introspection": 1.0}
"""The most CPU time of a row, as a multiple of that of a token request to oidc-provider in the same rounds."""
OF_BEFORE = {"code exchange": 1 / 2, "refresh": 1 / 2, "introspection": 1 / 14, "revocation": 1 / 4}
"""The most CPU time of a row, as a multiple of that of the same row of the earlier build."""
OF_EMPTY = {"JWKS 200": 1 / 0.8, "metadata 200": 1 / 0.8}
"""The most CPU time of a row, as a multiple of that of a request to the empty view."""
STATEMENTS = {RS256: 1, "code exchange": 8, "refresh": 8, "introspection": 1, "revocation": 4, "metadata 200": 0}


@dataclass(frozen=True, slots=True)
class Node:
    """The measurements of a whole issuer node.

    `idle` and `loaded` are the memory in MiB before and after the load. `idle_before` and `loaded_before` are the
    memory of the earlier build before and after the load. `first_request` is the result of `node.first_request`, and
    `check` is that of `node.check_ratio`.
    """

    connections: dict[int, int]
    """The number of connections to PostgreSQL, by the number of simultaneous clients."""
    shared_connections: dict[int, int]
    """The same with the setting DATABASE_CONNECTIONS."""
    first_request: float
    check: float
    slowest: float
    """The wait that 99.9 % of the requests at half load did not exceed, as a multiple of the median wait."""
    idle: float
    loaded: float
    idle_before: float
    loaded_before: float


def lines(rounds: Rounds, counts: dict[str, tuple[int, int]], node: Node) -> Iterator[Line]:
    """Yield a line of the output for each target, with the measured figure.

    `counts` has the numbers of SQL statements and of Redis commands per request, by row.
    """
    for name, most in OF_PEER.items():
        yield Line(f"{name}, in tokens of oidc-provider", rounds.ratio(name, PEER), most, "x")
    yield Line("wrong secret, in tokens", rounds.ratio("token, wrong secret", RS256), 1.0, "x")
    for name, statements in STATEMENTS.items():
        yield Line(f"{name}: statements", counts[name][0], statements, "")
    yield Line(f"{RS256}: commands at Redis", counts[RS256][1], 1, "")
    for name, most in OF_BEFORE.items():
        yield Line(f"{name}, in those of the build before", rounds.ratio(name, BEFORE + name), most, "x")
    yield Line(f"{RS256}, in those of the build before", rounds.ratio(RS256, BEFORE + RS256), None, "x")
    for name, most in OF_EMPTY.items():
        yield Line(f"{name}, in empty views", rounds.ratio(name, EMPTY), most, "x")
    for name in ("JWKS", "metadata"):
        yield Line(f"{name} 304, in those of 200", rounds.ratio(f"{name} 304", f"{name} 200"), 1.0, "x")
    yield from _verification(rounds)
    yield from _of_node(node)


def _verification(rounds: Rounds) -> Iterator[Line]:
    yield Line("verify, above the DRF floor", rounds.difference("verify", DRF), 0.06, "ms")
    express = "express-oauth2-jwt-bearer"
    yield Line(f"verify, in requests of {express}", rounds.ratio("verify", express), 1.0, "x")
    yield Line("whoami, above verify", rounds.difference("verify, whoami", "verify"), 0.03, "ms")
    for name in ("PyJWKClient", "simplejwt"):
        yield Line(f"{name}, above the DRF floor", rounds.difference(name, DRF), None, "ms")


def _of_node(node: Node) -> Iterator[Line]:
    """Yield the lines of the output about the whole node: its waits, connections, `manage.py check` and memory."""
    yield Line("99.9 % of the tokens at half load, in medians", node.slowest, 5, "x")
    yield Line("first token of a fresh worker, in medians", node.first_request, 3, "x")
    for clients, count in node.connections.items():
        yield Line(f"connections at PostgreSQL, {clients} clients", count, WORKERS + 2, "")
    for clients, count in node.shared_connections.items():
        name = f"connections at PostgreSQL, {clients} clients, DATABASE_CONNECTIONS={WORKERS + 2}"
        yield Line(name, count, WORKERS + 2, "")
    yield Line("manage.py check, in those of a plain toolkit project", node.check, 1.2, "x")
    for state, now, before in (("idle", node.idle, node.idle_before), ("loaded", node.loaded, node.loaded_before)):
        yield Line(f"memory of two workers, {state}", now, None, "MiB", before)
        yield Line(f"memory of two workers, {state}, in that of the build before", now / before, 0.6, "x")
