"""Measure what the revocation feed cost in the earlier build, up to the sizes at which it failed."""

import time
from collections.abc import Iterator
from pathlib import Path

import requests

from bench import shared
from bench.figures import Row
from bench.issuer_feed import stalled
from bench.issuers import Served, python, served
from bench.revocation_rows import ROWS_BEFORE
from bench.shared import FEED

LARGER = (60_000, 100_000, 1_000_000)
"""The larger sizes of the feed, in entries. Each is read only once. APIs of the earlier build read up to 4 MiB."""
LIMIT = "from resources.revocations import MAX_FEED; print(MAX_FEED)"
"""Code that prints the most bytes of a feed that an API of the earlier build reads."""


def measure(root: Path, folder: Path, entries: int) -> tuple[dict[str, float], list[Row]]:
    """Measure the build in the folder `root` with a revocation feed of `entries` live entries.

    Returns the figures by name, and rows for the output. The rows show how the build serves this feed and larger ones.
    """
    with served(folder, root) as issuer:
        fill(issuer, 0, entries)
        tag = read(issuer).headers["ETag"]
        cost, waits = stalled(issuer, lambda: read(issuer))
        ratio = shared.ratio_of_304(issuer, tag, times=2)
        beside = shared.beside_readers(issuer, arriving=False)[0]
        figures = {"full": cost / 1000, "stall": waits.longest, "304": ratio, "beside": beside}
        return figures, list(larger(issuer, entries, int(python(root, LIMIT))))


def larger(issuer: Served, entries: int, limit: int) -> Iterator[Row]:
    """Grow the feed from `entries` entries to each size in LARGER. Yield a row of the results for each size.

    The first row is for `entries` itself. A row has the seconds for reading the feed, and says whether the APIs of the
    earlier build read it. They read at most `limit` bytes.
    """
    for size in (entries, *LARGER):
        fill(issuer, entries, size)
        entries, start = size, time.perf_counter()
        answer = read(issuer)
        seconds = time.perf_counter() - start
        says = "APIs read it" if answer.ok and len(answer.content) <= limit else "no API reads it, all serve on"
        yield Row(
            f"before, {size:,} entries: {answer.status_code}, {len(answer.content):,} bytes: {says}", seconds, None, "s"
        )


def fill(issuer: Served, first: int, last: int) -> None:
    """Revoke the tokens with the numbers `first` + 1 to `last`."""
    issuer.execute(ROWS_BEFORE.format(first=first + 1, last=last))


def read(issuer: Served) -> requests.Response:
    """Read the whole feed of the issuer, and return the HTTP response, which can be an error."""
    return requests.get(issuer.url + FEED, timeout=300)
