"""Compare the DPoP check of an API with two libraries on node, in interleaved rounds (`make bench-verify`).

Each implementation verifies GET requests with an RS256 token that is bound to an ES256 key. All use the same token.
Keyturn accepts each DPoP proof once, so each of its requests has a new proof. The libraries do not detect replays, so
all their requests have the same proof. Other rows measure a raw signature verification and a bearer token, as units of
comparison. Without node, or without the packages of tests/clients/node, only Keyturn's rows are printed.
"""

import gc
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import RequestFactory
from jwt.utils import base64url_decode
from rest_framework.request import Request

from bench.priority import ahead
from resources import possession
from resources.authentication import JWTAuthentication
from resources.conf import resource_server
from resources.permissions import HasScopes
from resources.testing import Holder, bearer, jwks, mint

GOAL = 1.3  # raw ES256 verifications, in addition to a bearer token
ROUNDS, COUNT = 25, 300
PATH = "/api/notes/"
PACKAGES = Path(__file__).resolve().parent.parent / "tests" / "clients" / "node" / "package.json"
RAW, BEARER, BOUND = "raw ES256 verify", "bearer token", "bound token with its proof"
BOTH = "bearer token, then a raw verify"
FOREIGN = ("oauth4webapi", "express-oauth2-jwt-bearer")
NODE_RAW = "raw ES256 verify on node"

Row = Callable[[int], float]
"""A function that gets a count, runs the work of a row that many times, and returns the microseconds of one run."""


def timed(work: Callable[[int], None]) -> Row:
    """Return a function of `count` that runs `work(count)`, and returns its CPU microseconds divided by `count`."""

    def run(count: int) -> float:
        gc.disable()  # as timeit does
        begin = time.process_time()
        work(count)
        spent = time.process_time() - begin
        gc.enable()
        return spent / count * 1e6

    return run


def own_rows(holder: Holder) -> dict[str, Row]:
    """Return Keyturn's rows by name. The time to make DPoP proofs is not measured.

    `holder` has the key to which the token is bound.
    """
    authentication, permission = JWTAuthentication(), HasScopes("notes:read")
    plain, bound = mint("notes:read notes:write"), mint("notes:read notes:write", cnf=holder.cnf)
    proof = holder.proof("GET", PATH, bound)
    message, _, encoded = proof.rpartition(".")
    raw = base64url_decode(encoded)
    signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = holder.key.private.public_key()
    text = message.encode()

    def verify(count: int) -> None:
        for _ in range(count):
            public.verify(signature, text, ec.ECDSA(SHA256()))

    def decide(headers: list[dict[str, str]], *, then_verify: bool = False) -> Row:
        requests = [RequestFactory().get(PATH, headers=header) for header in headers]

        def run(count: int) -> None:
            for number in range(count):
                request = Request(requests[number])
                request.user, request.auth = authentication.authenticate(request) or (None, None)
                assert permission.has_permission(request, None)
                if then_verify:
                    public.verify(signature, text, ec.ECDSA(SHA256()))

        return timed(run)

    def send(count: int) -> float:
        return decide([bearer(plain) for _ in range(count)])(count)

    def both(count: int) -> float:
        return decide([bearer(plain) for _ in range(count)], then_verify=True)(count)

    def prove(count: int) -> float:
        possession.replay_memory.cache_clear()  # so that no round fills it
        return decide([holder.headers("GET", PATH, bound) for _ in range(count)])(count)

    return {RAW: timed(verify), BEARER: send, BOTH: both, BOUND: prove}


@contextmanager
def foreign_rows(holder: Holder) -> Iterator[dict[str, Row]]:
    """Run two other libraries in a node process while the block runs. Yield the rows that measure them, by name.

    A third row measures a raw signature verification on node. Yields {} if node or a package is missing. `holder` has
    the key to which the token is bound.
    """
    if shutil.which("node") is None or not (PACKAGES.parent / "node_modules" / FOREIGN[1]).is_dir():
        print("(node or its packages are missing: npm ci --prefix tests/clients/node)")
        yield {}
        return
    conf = resource_server()
    assert conf.dpop
    bound = mint("notes:read notes:write", cnf=holder.cnf)
    given = {
        "packages": str(PACKAGES),
        "issuer": conf.issuers[0].url,
        "audience": min(conf.audience),
        "jwks": jwks(),
        "token": bound,
        "proof": holder.proof("GET", PATH, bound),
        "url": conf.dpop.public_url + PATH,
    }
    command = ["node", str(Path(__file__).with_suffix(".mjs")), json.dumps(given)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def row(name: str) -> Row:
            def run(count: int) -> float:
                assert process.stdin
                assert process.stdout
                process.stdin.write(json.dumps({"name": name, "count": count}) + "\n")
                process.stdin.flush()
                return float(process.stdout.readline())

            return run

        yield {NODE_RAW: row("raw"), **{name: row(name) for name in FOREIGN}}
        process.kill()


def measured(rows: Mapping[str, Row]) -> dict[str, float]:
    """Run each row once in each round. Return the lowest CPU time per request of each row, in microseconds.

    The first round is a warm-up and is not counted.
    """
    results: dict[str, list[float]] = {name: [] for name in rows}
    for number in range(ROUNDS + 1):
        for name, run in rows.items():
            micros = run(COUNT)
            if number:  # the first round warms up
                results[name].append(micros)
    return {name: min(values) for name, values in results.items()}


def report() -> None:
    """Print the table of all rows, and say whether the goal is met.

    The goal is that the DPoP check takes at most GOAL times as long as a raw signature verification. Call this function
    in the block of `testing.pinned`, so that the API trusts the key of the tests.
    """
    holder = Holder()
    with ahead(os.getpid()) as is_first, foreign_rows(holder) as foreign:
        micros = measured(own_rows(holder) | foreign)
    priority = "real-time priority" if is_first else "normal priority"
    print(f"\nDPoP: CPU time at {priority}, the fastest of {ROUNDS} interleaved rounds of {COUNT} requests")
    for name, value in micros.items():
        print(f"{name:<32} {value:8.1f} us   {value / micros[RAW]:.2f}")
    added = (micros[BOUND] - micros[BEARER]) / micros[RAW]
    print(
        f"goal: the proof costs at most {GOAL:.1f} raw verifies; {'met' if added <= GOAL else 'MISSED'} at {added:.2f}"
    )
    between = micros[BOTH] - micros[BEARER]
    print(f"between other work, a raw verify costs {between / micros[RAW]:.2f}")
    for name in foreign.keys() & set(FOREIGN):
        print(f"ours costs {micros[BOUND] / micros[name]:.2f} of {name}")
