"""What the revocation feed costs an API that follows it (`python -m bench.feed_reader`; `make bench-feed` runs it too).

Needs no service. Reads signed documents and segments from files, in a process of its own, as `Follower` reads them from
the issuer; the fetches themselves are not in the figures. CPU is this process's. Each figure of the check is the
fastest of many short runs, because other work on the machine makes it only longer; the others are medians.
"""

import argparse
import gc
import json
import os
import random
import statistics
import tempfile
import threading
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

from resources.jwk import judge_all  # noqa: E402
from resources.keyset import PinnedKeys  # noqa: E402
from resources.refusals import Refusals  # noqa: E402
from resources.revocation_set import EMPTY, LAYOUT, RevocationSet  # noqa: E402
from resources.revocations import Answer, Follower, Policy  # noqa: E402
from resources.testing import SigningKey, compact, jwks  # noqa: E402
from resources.verify import TrustedIssuer  # noqa: E402
from tests.resources.feeds import digest, document, version  # noqa: E402

ISSUER, SEGMENT, MIB = "https://issuer.example", 16_384, 1024 * 1024
UNTIL, BEFORE = 2_000_000_000, 1_900_000_000  # Unix seconds
ROUNDS, TOKENS = 50, 500
KEY = SigningKey()

Claims = Mapping[str, Any]
Figure = tuple[str, float, float, str]
"""What was measured, the figure, the target, and the unit of both."""


@dataclass
class Files:
    """An issuer's feed: the next document, and segments in a folder."""

    folder: Path
    answer: bytes = b""

    def poll(self, *, since: str, conditional: bool) -> Answer:
        """Return the document."""
        del since, conditional
        return Answer(self.answer)

    def segment(self, name: str) -> bytes:
        """Return a segment."""
        return (self.folder / name).read_bytes()


def main() -> None:
    """Measure in this process and print, as JSON if a program asks."""
    parser = argparse.ArgumentParser(prog="python -m bench.feed_reader", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, help="live entries (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON array of [name, figure, target, unit]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = list(measure(Path(folder), options.entries))
    if options.json:
        print(json.dumps(figures))
        return
    for name, figure, most, unit in figures:
        verdict = "met" if figure <= most else "MISSED"
        print(f"{name:<58} {figure:10.2f} {unit:<5} <= {most:<8g} {verdict}")


def measure(folder: Path, entries: int) -> Iterator[Figure]:
    """Read a feed of so many entries, then follow it; then look tokens up in it."""
    source = Files(folder)
    source.answer = first_document(folder, entries)
    follower = Follower(
        source,
        TrustedIssuer(ISSUER, frozenset({KEY.algorithm}), trusted_keys()),
        Policy(every=1, late_after=120, refuse_when_late=False, longest_backoff=60),
        ring="default",
        clock=time.monotonic,
        wall=lambda: datetime.now(UTC),
        own=Refusals(),
    )
    usual = Lateness()
    time.sleep(5)
    usually = usual.end()
    gc.collect()
    before, late = memory(), Lateness()
    full = cpu(follower.poll)
    waited = late.end() - usually
    gc.collect()
    held = memory() - before
    assert follower.held.entries.count == entries, follower.status()
    yield "API: memory for the set", held / MIB, 64, "MiB"
    yield "API: full read (CPU)", full, 3, "s"
    yield "API: what a full read adds to other threads' waits (p99)", waited * 1000, 20, "ms"
    yield "API: delta of 100 entries (CPU)", statistics.median(deltas(source, follower)) * 1000, 2, "ms"
    yield from checks(follower.held.entries)


def trusted_keys() -> PinnedKeys:
    return PinnedKeys(judge_all(jwks(KEY)["keys"], algorithms=frozenset({KEY.algorithm})))


def first_document(folder: Path, entries: int) -> bytes:
    """Write the segments; return the document that names them."""
    named = []
    for start in range(0, entries, SEGMENT):
        body = packed(min(SEGMENT, entries - start), start)
        (folder / digest(body)).write_bytes(body)
        named.append([digest(body), len(body) // LAYOUT.size])
    now = int(time.time())
    claims = {"iss": ISSUER, "iat": now, "exp": now + 600, "ring": "default", "version": version(1)}
    header = {"typ": "revocation-feed+jwt", "alg": KEY.algorithm, "kid": KEY.kid}
    # Not by `document`: it would hold all segments at once, and freed memory counts as this process's.
    return compact(header, claims | {"entries": "", "segments": named}, key=KEY).encode()


def packed(count: int, seed: int, *, before: int = 0) -> bytes:
    chance = random.Random(seed)  # noqa: S311 (keys of a measurement)
    return b"".join(LAYOUT.pack(key, UNTIL, before) for key in sorted(chance.randbytes(16) for _ in range(count)))


def memory() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process for one run of `work`."""
    start = time.process_time()
    work()
    return time.process_time() - start


def deltas(source: Files, follower: Follower) -> Iterator[float]:
    """CPU seconds of each of ROUNDS polls that bring 100 new entries."""
    for number in range(2, ROUNDS + 2):
        part = packed(100, -number)
        entries = [part[start : start + LAYOUT.size] for start in range(0, len(part), LAYOUT.size)]
        since, now = follower.held.version, int(time.time())
        source.answer = document(*entries, signer=KEY, issuer=ISSUER, at=now, version=version(number), since=since)
        yield cpu(follower.poll)
        assert follower.held.version == version(number), follower.status()


def checks(entries: RevocationSet) -> Iterator[Figure]:
    """Microseconds that the check adds to a verification, of tokens that are not revoked."""
    later = entries.merged(packed(1, 0, before=BEFORE), now=0)
    users = [claims(random.Random(n)) for n in range(TOKENS)]  # noqa: S311 (names of a measurement)
    nothing = fastest(EMPTY, lambda _: users)
    kinds: dict[str, Callable[[random.Random], list[Claims]]] = {
        "token seen before": lambda _: users,
        "new token": lambda chance: [{**user, "jti": f"{chance.getrandbits(128):032x}"} for user in users],
        "new user": lambda chance: [claims(chance) for _ in range(TOKENS)],
    }
    for held, which in ((entries, ""), (later, ", log-outs held")):
        for name, batch in kinds.items():
            yield f"API: check, {name}{which}", fastest(held, batch) - nothing, 3, "us"


def fastest(entries: RevocationSet, batch: Callable[[random.Random], list[Claims]]) -> float:
    """Microseconds of a check in the fastest of many runs, each with a batch of its own."""
    reason, chance = Refusals(entries).reason, random.Random(TOKENS)  # noqa: S311 (names of a measurement)

    def run(tokens: list[Claims]) -> None:
        for token in tokens:
            assert not reason("kid", token)

    batches = (batch(chance) for _ in range(4 * ROUNDS))
    return min(timeit.timeit(lambda tokens=tokens: run(tokens), number=1) for tokens in batches) / TOKENS * 1e6


def claims(chance: random.Random) -> Claims:
    """Claims of another token of another user, issued before BEFORE."""
    one, other = f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(144):036x}"
    return {"iss": ISSUER, "jti": one, "sub": other, "client_id": "webapp", "grant_id": other, "iat": BEFORE - 1000}


class Lateness:
    """A thread that wants to run every millisecond."""

    def __init__(self) -> None:
        self._ended, self._late = threading.Event(), [0.0]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            start = time.perf_counter()
            time.sleep(0.001)
            self._late.append(time.perf_counter() - start - 0.001)

    def end(self) -> float:
        """Stop; return how many seconds late it was, but for one time in a hundred."""
        self._ended.set()
        self._thread.join()
        return sorted(self._late)[int(len(self._late) * 0.99)]


if __name__ == "__main__":
    main()
