"""Measure how many microseconds the look-up among revocations adds to the verification of a token."""

import random
import statistics
import time
from collections.abc import Iterator, Mapping
from typing import Any

from resources.revocations.refusals import Refusals
from resources.revocations.revocation_set import EMPTY, LAYOUT, RevocationSet

ISSUER = "https://issuer.example"
UNTIL, BEFORE = 2_000_000_000, 1_900_000_000  # Unix seconds
USERS, TOKENS = 200, 40_000

Claims = Mapping[str, Any]


def measure(entries: RevocationSet) -> Iterator[tuple[str, float]]:
    """Measure how much longer the look-up of a token takes in `entries` than in an empty set.

    Yields the name of each measurement, and the difference of the two medians in microseconds. Each list of claims that
    `tokens` returns is measured twice, with `entries` and with `entries` plus one entry of a log-out. No token in a
    list is revoked.
    """
    later = entries.merged(packed(1, 0, before=BEFORE), now=0)
    kinds = tokens(random.Random(TOKENS))  # noqa: S311 (names of a measurement)
    for held, which in ((entries, ""), (later, ", log-outs held")):
        for name, batch in kinds.items():
            yield f"API: check, {name}{which}", median(held, batch) - median(EMPTY, batch)


def tokens(chance: random.Random) -> dict[str, list[Claims]]:
    """Return three lists of claims, by name: "token seen before", "new token" and "new user".

    Each list has the claims of TOKENS tokens. `chance` generates the random parts.
    """
    per_user = [claims(chance) for _ in range(USERS)]
    seen = [per_user[number % USERS] for number in range(TOKENS)]
    return {
        "token seen before": seen,
        "new token": [{**token, "jti": f"{chance.getrandbits(128):032x}"} for token in seen],
        "new user": [claims(chance) for _ in range(TOKENS)],
    }


def claims(chance: random.Random) -> Claims:
    """Return the claims of a random token of a random user, issued before BEFORE."""
    token, user, grant = (f"{chance.getrandbits(128):032x}" for _ in range(3))
    return {"iss": ISSUER, "jti": token, "sub": user, "client_id": "webapp", "grant_id": grant, "iat": BEFORE - 1000}


def median(entries: RevocationSet, batch: list[Claims]) -> float:
    """Return the median microseconds of a look-up of the tokens in `batch`.

    Other work on the machine hardly affects the median. Raises AssertionError if a token is revoked.
    """
    reason, clock, took = Refusals(entries).reason, time.perf_counter_ns, []
    for token in batch:
        start = clock()
        revoked = reason("kid", token)
        took.append(clock() - start)
        assert not revoked
    return statistics.median(took) / 1000


def packed(count: int, seed: int, *, before: int = 0) -> bytes:
    """Return `count` packed entries of the feed with random keys, sorted by key.

    `before` is the `issued_before` of each entry in Unix seconds, or 0.
    """
    chance = random.Random(seed)  # noqa: S311 (keys of a measurement)
    return b"".join(LAYOUT.pack(key, UNTIL, before) for key in sorted(chance.randbytes(16) for _ in range(count)))
