"""Measures what the revocation feed costs an API (`python -m bench.api_feed`; `make bench-feed` runs it too).

Needs no service. `Follower` reads signed documents and segments from files instead of from an issuer, so the figures do
not include HTTP requests. CPU times are those of this process. The process has real-time priority if that is allowed,
so that its threads wait only for each other.
"""

import argparse
import gc
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

from bench import token_check  # noqa: E402
from bench.figures import Row  # noqa: E402
from bench.priority import ahead  # noqa: E402
from bench.token_check import ISSUER, packed  # noqa: E402
from resources.feed.feed_follower import Follower  # noqa: E402
from resources.feed.feed_source import Answer, Policy, Time  # noqa: E402
from resources.issuer_trust import TrustedIssuer  # noqa: E402
from resources.jose.jwk import judge_all  # noqa: E402
from resources.keysets.key_pins import PinnedKeys  # noqa: E402
from resources.revocations.refusals import Refusals  # noqa: E402
from resources.revocations.revocation_set import LAYOUT  # noqa: E402
from resources.testing import SigningKey, compact, jwks  # noqa: E402
from tests.resources.feeds import base64url, digest, document, version  # noqa: E402

SEGMENT, MIB = 16_384, 1024 * 1024
ROUNDS = 50
KEY = SigningKey()

Figure = tuple[str, float, float | None, str]
"""The fields of a Row."""


@dataclass
class Files:
    """A source for a `Follower` without an issuer: `answer` is the document, and `folder` contains the segments."""

    folder: Path
    answer: bytes = b""

    def poll(self, *, since: str, conditional: bool) -> Answer:
        """Return the next document of the feed, as an issuer's answer to a poll."""
        del since, conditional
        return Answer(self.answer)

    def segment(self, name: str) -> bytes:
        """Return the segment of the feed that is in the file `name`."""
        return (self.folder / name).read_bytes()


def main() -> None:
    """Measure in this process, and print the figures. With --json, print them as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.api_feed", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, help="live entries (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON array of [name, figure, target, unit]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = list(measure(Path(folder), options.entries))
    print(json.dumps(figures) if options.json else "\n".join(str(Row(*figure)) for figure in figures))


def measure(folder: Path, entries: int) -> Iterator[Figure]:
    """Yield the figures of an API for a feed of `entries` entries.

    The API reads the feed, polls for its changes, and looks tokens up in it.
    """
    source = Files(folder, first_document(folder, entries))
    follower = followed(source)
    with ahead(os.getpid()):
        idle = Lateness()
        time.sleep(5)
        idle_for = idle.end()
        gc.collect()
        before, late = memory(), Lateness()
        full = cpu(follower.poll)
        waited = late.end()
    gc.collect()
    used = memory() - before
    assert follower.state.entries.count == entries, follower.status()
    yield "API: memory for the set", used / MIB, 64, "MiB"
    yield "API: full read (CPU)", full, 3, "s"
    yield "API: longest wait of another thread while nothing is read", idle_for, None, "ms"
    yield "API: longest wait of another thread in a full read", waited, 20, "ms"
    yield "API: delta of 100 entries (CPU)", statistics.median(deltas(source, follower)) * 1000, 2, "ms"
    for name, microseconds in token_check.measure(follower.state.entries):
        yield name, microseconds, 3, "us"


def followed(source: Files) -> Follower:
    """Return a new `Follower`, which reads the feed from `source` instead of from an issuer. It has not polled yet."""
    return Follower(
        source,
        TrustedIssuer(ISSUER, frozenset({KEY.algorithm}), trusted_keys()),
        Policy(every=1, late_after=120, refuse_when_late=False, longest_backoff=60),
        Time(clock=time.monotonic, time_of_day=lambda: datetime.now(UTC), sleep=time.sleep),
        ring="default",
        configured=Refusals(),
    )


def trusted_keys() -> PinnedKeys:
    return PinnedKeys(judge_all(jwks(KEY)["keys"], algorithms=frozenset({KEY.algorithm})))


def first_document(folder: Path, entries: int) -> bytes:
    """Write the feed's segments (files of packed entries), and return the signed document that lists them.

    The first SEGMENT entries are in the document itself, the others in the segments.
    """
    named, inline = [], min(SEGMENT, entries)
    for start in range(inline, entries, SEGMENT):
        body = packed(min(SEGMENT, entries - start), start)
        (folder / digest(body)).write_bytes(body)
        named.append([digest(body), len(body) // LAYOUT.size])
    now = int(time.time())
    claims = {"iss": ISSUER, "iat": now, "exp": now + 600, "ring": "default", "version": version(1)}
    header = {"typ": "revocation-feed+jwt", "alg": KEY.algorithm, "kid": KEY.kid}
    # Not by `document`: it would hold all segments at once, and freed memory counts as this process's.
    listed = {"entries": base64url(packed(inline, 0)), "segments": named}
    return compact(header, claims | listed, key=KEY).encode()


def memory() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this process for one run of `work`."""
    start = time.process_time()
    work()
    return time.process_time() - start


def deltas(source: Files, follower: Follower) -> Iterator[float]:
    """Yield the CPU seconds of each of ROUNDS polls. In each poll, the follower reads 100 new entries."""
    for number in range(2, ROUNDS + 2):
        part = packed(100, -number)
        entries = [part[start : start + LAYOUT.size] for start in range(0, len(part), LAYOUT.size)]
        since, now = follower.state.version, int(time.time())
        source.answer = document(*entries, signer=KEY, issuer=ISSUER, at=now, version=version(number), since=since)
        yield cpu(follower.poll)
        assert follower.state.version == version(number), follower.status()


class Lateness:
    """A thread that sleeps for one millisecond repeatedly, and records by how much it wakes up late."""

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
        """Stop the thread. Return its greatest delay in milliseconds."""
        self._ended.set()
        self._thread.join()
        return max(self._late) * 1000


if __name__ == "__main__":
    main()
