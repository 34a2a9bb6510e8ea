"""Write audit events as lines of CSV. Pure.

A spreadsheet runs a cell as a formula if the cell begins with one of the characters in FORMULA. Names that users or
attackers choose can begin with such a character, so `cell` puts an apostrophe before such a text
(OWASP, CSV injection).
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

EXPORTED = 100_000
"""The greatest number of events in one export. To export more events, export one period after the other."""
COLUMNS = ("at", "actor", "action", "subject", "details")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Exported(Protocol):
    """The attributes that an event of the audit trail needs for the export."""

    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, object]


class _Echo:
    """The file-like object that `csv.writer` needs. Its `write` returns the line instead of storing the line."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def lines(events: Iterable[Exported]) -> Iterator[str]:
    """Yield the lines of a CSV file (RFC 4180): the header, then a line for each event."""
    writer = csv.writer(_Echo())
    yield str(writer.writerow(COLUMNS))
    for event in events:
        details = json.dumps(event.details, default=str, ensure_ascii=False) if event.details else ""
        cells = (event.at.isoformat(), event.actor, event.action, event.subject, details)
        yield str(writer.writerow([cell(text) for text in cells]))


def cell(text: str) -> str:
    """Return `text`, escaped so that a spreadsheet does not run it as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
