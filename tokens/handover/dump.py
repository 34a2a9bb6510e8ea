"""Reads a dump of Django's `dumpdata` row by row, so that a large file needs little memory. Pure.

The file is one JSON array (`--format json`) or one object on each line (`--format jsonl`).
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

SEPARATORS = re.compile(r"[\s,\[\]]*")
LARGEST = 4_000_000
"""The greatest number of characters of one row. No user needs so many, so a longer row is refused."""


class MalformedDump(Exception):
    """The file is not a dump of `dumpdata`. The message names the first malformed row."""


def rows(chunks: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield each row of the dump, a dict with `model`, `pk` and `fields`. `chunks` are the pieces of the file's text.

    Raises MalformedDump at the first malformed row.
    """
    decoder, buffer, read = json.JSONDecoder(), "", 0
    for chunk in chunks:
        buffer += chunk
        at = _skip(buffer, 0)
        while at < len(buffer):
            try:
                row, end = decoder.raw_decode(buffer, at)
            except (json.JSONDecodeError, RecursionError):
                break  # the row ends in the next chunk, or the file is malformed
            read += 1
            yield _row(row, read)
            at = _skip(buffer, end)
        buffer = buffer[at:]
        if len(buffer) > LARGEST:
            raise MalformedDump(f"row {read + 1} is not JSON, or has more than {LARGEST} characters")
    if buffer:
        raise MalformedDump(f"row {read + 1} is not JSON, or the file ends within it")


def _skip(buffer: str, at: int) -> int:
    match = SEPARATORS.match(buffer, at)
    return match.end() if match else at


def _row(row: Any, number: int) -> dict[str, Any]:
    if not (isinstance(row, dict) and isinstance(row.get("model"), str) and isinstance(row.get("fields"), dict)):
        raise MalformedDump(f"row {number} has no model and fields: write the file with manage.py dumpdata auth.User")
    return row
