"""Measures whether memory grows with the number of requests (`make bench-memory`).

Needs PostgreSQL's programs and Redis. Part 1: an issuer with two workers issues `--tokens` access tokens by client
credentials, signed by ES256. Part 2: an API with two workers refuses `--kids` tokens, each with a different random kid.

The memory of all processes of the server is read after each tenth of the requests. It is the proportional set size
without pages of files, because several servers can share such pages. The memory is flat if the last reading is at most
1.05 times the first.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jwt

from bench import accounting, fixtures, rows, servers
from bench.backing import backing
from bench.figures import Row, load
from bench.issuers import SHELL, served
from bench.load import Answer, Client, drive
from bench.rows import CLIENTS, client_credentials, request
from bench.servers import Server
from tests.services.conftest import wait_for

MOST = 1.05
"""Memory is flat if the last reading is at most this multiple of the first."""
READINGS = 10
BUSY = 503
REFUSED = frozenset({401, BUSY})
"""The statuses of a refused token. 503 means that the rate limit forbids a fetch and the last fetch is too old."""


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of a server's memory.

    A reading is the number of requests so far, and the memory in MiB after them.
    """

    name: str
    readings: list[tuple[int, float]]

    def line(self) -> Row:
        """Return the row of the output with the growth of memory: the last reading divided by the first."""
        (_, first), (reached, last) = self.readings[0], self.readings[-1]
        return Row(f"{self.name}, {reached:,} requests: memory in that after a tenth", last / first, MOST, "x")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the benchmark: the requests to one server, and the statuses that their answers must have.

    `client` returns the client (a generator of requests without end) for a new connection.
    """

    name: str
    server: Server
    client: Callable[[], Client]
    statuses: frozenset[int]
    """The statuses of the answers that count.

    An answer with the status BUSY is also permitted. It counts only if BUSY is one of `statuses`.
    """


def main() -> None:
    """Measure both parts (issuer and API), and print the results. Exits with 0 even if memory grew."""
    options, began = parse(), time.monotonic()
    all_series = list(measured(options))
    if options.json:
        date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        readings = {series.name: series.readings for series in all_series}
        print(json.dumps({"date": date, "load": load(), "series": readings}, indent=1))
    else:
        print(*(series.line() for series in all_series), sep="\n")
    say(f"in {(time.monotonic() - began) / 60:.1f} min; {load()}")


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=1_000_000, help="tokens of the issuer (%(default)s); 0: none")
    parser.add_argument("--kids", type=int, default=1_000_000, help="random kids at the API (%(default)s); 0: none")
    parser.add_argument("--minutes", type=float, default=600, help="end each part after this time (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


def measured(options: argparse.Namespace) -> Iterator[Series]:
    """Measure the issuer, then the API. Yield the readings of each server as soon as its measurement has ended."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyturn-bench-")))
        services = stack.enter_context(backing(folder))
        variables = servers.issuer_variables(folder, services.redis_url)
        issuer = stack.enter_context(served(folder, workers=servers.WORKERS, variables=variables))
        if options.tokens:
            issuer.issuer.run(*SHELL, fixtures.FAST_RING)
            yield series(issuing(servers.of(issuer, "issuer")), options.tokens, options.minutes)
        if options.kids:
            (token,) = rows.tokens(servers.of(issuer, "issuer"), 1)
            api = stack.enter_context(servers.api(folder, issuer, beside_peers=False))
            chance = random.Random(1)  # noqa: S311 (kids of a measurement)
            part = Part("API, random kids", api, lambda: with_random_kids(token, chance), REFUSED)
            yield series(part, options.kids, options.minutes)


def issuing(server: Server) -> Part:
    """Wait until the issuer signs with ES256. Return the part of the benchmark that requests tokens from it."""
    sent = client_credentials(server, scope="fast:read")
    answers: list[Answer] = []

    def request_once() -> Client:
        answers.append((yield sent))

    def is_ready() -> bool:  # each process reads the rings again within some seconds
        drive(server.url, [request_once() for _ in range(CLIENTS)], seconds=60)
        return all(signs_by(answer) == "ES256" for answer in answers[-CLIENTS:])

    wait_for(is_ready)
    return Part("issuer, tokens by ES256", server, lambda: repeated(sent), frozenset({200}))


def signs_by(answer: Answer) -> str:
    """Return the signature algorithm of the token in an answer, or "" if the answer has no token."""
    token = json.loads(answer.body).get("access_token", "")
    return str(jwt.get_unverified_header(token)["alg"]) if token else ""


def repeated(sent: bytes) -> Client:
    """Yield the request `sent` without end."""
    while True:
        yield sent


def with_random_kids(token: str, chance: random.Random) -> Client:
    """Yield requests to the API without end. Each has the token, with a new random `kid` in its header."""
    header, _, rest = token.partition(".")
    members = json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    while True:
        changed = json.dumps(members | {"kid": chance.randbytes(16).hex()}).encode()
        encoded = urlsafe_b64encode(changed).rstrip(b"=").decode()
        yield request("GET", "/api/whoami/", {"Authorization": f"Bearer {encoded}.{rest}"})


def series(part: Part, total: int, minutes: float) -> Series:
    """Send `total` requests, and read the memory after each tenth of them. Return the readings.

    Stops after `minutes` minutes, even if some requests are left. Raises AssertionError if there are fewer than two
    readings by then, or if an answer has a status that is neither in `part.statuses` nor BUSY.
    """
    until, statuses, readings = time.monotonic() + minutes * 60, Counter[int](), list[tuple[int, float]]()
    while (done := answered(part, statuses)) < total and (left := until - time.monotonic()) > 0:
        tenth = total * (len(readings) + 1) // READINGS
        clients = [limited(part.client(), -(-(tenth - done) // CLIENTS), statuses) for _ in range(CLIENTS)]
        try:
            drive(part.server.url, clients, seconds=left)
        except OSError as error:  # an issuer that gets no processor time closes connections that wait too long
            say(f"{part.name}: {error}")
        if (done := answered(part, statuses)) >= tenth:
            readings.append((done, accounting.anonymous(part.server.processes())))
            say(f"{part.name}: {done:,} requests, {readings[-1][1]:.1f} MiB; {load()}")
    assert len(readings) > 1, "no tenth of the requests was answered in time"
    return Series(part.name, readings)


def answered(part: Part, statuses: Counter[int]) -> int:
    """Return how many answers have one of the statuses in `part.statuses`.

    Raises AssertionError if an answer has a status that is neither one of these nor BUSY.
    """
    assert set(statuses) <= part.statuses | {BUSY}, statuses
    return sum(statuses[status] for status in part.statuses)


def limited(client: Client, most: int, statuses: Counter[int]) -> Client:
    """Yield at most `most` requests of a client, and count the statuses of the answers in `statuses`."""
    sent = next(client)
    for _ in range(most):
        answer = yield sent
        statuses[answer.status] += 1
        sent = client.send(answer)


def say(text: str) -> None:
    """Print progress to standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
