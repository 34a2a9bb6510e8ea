"""The tables of docs/resource-servers/README.md. Each row has the tests' results for one server or client.

`make test-servers` compares each row with the page. `make servers-table` writes the rows.
"""

import fcntl
import os
import re
from collections.abc import Mapping

from tests.pinned import KEPT
from tests.servers.page import FOLDER

PAGE = FOLDER / "README.md"
LOCK = KEPT / "table.lock"
SERVERS = (
    *("good", "none", "another audience", "another scope", "expired", "changed", "another key", "another issuer"),
    *("revoked token", "revoked key"),
)
CLIENTS = ("right", "no token", "scope of another client", "API of another client", "wrong secret", "renews")
"""The cells of a row after its name, as the tests call them: of programs that verify tokens, or get them."""
WRITE = "WRITE_SERVERS_TABLE"


def row(cells: Mapping[str, str]) -> str | None:
    """Return the Markdown table row with these cells, or None if a cell is missing.

    The columns are those in SERVERS or those in CLIENTS.
    """
    for columns in (SERVERS, CLIENTS):
        if {"name", *columns} == cells.keys():
            return f"| {cells['name']} | " + " | ".join(cells[column] for column in columns) + " |"
    return None


def settle(line: str) -> None:
    """Assert that `line` is equal to the row of the documentation's table that has the same link.

    If the environment variable WRITE_SERVERS_TABLE is set, write `line` into the documentation instead.
    """
    link = line.partition("](")[2].partition(")")[0]
    KEPT.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = PAGE.read_text(encoding="utf-8")
        rows = re.findall(rf"^\| \[[^\]]+\]\({re.escape(link)}\).*$", text, re.MULTILINE)
        assert len(rows) == 1, f"docs/resource-servers/README.md needs one row with the link {link}"
        if os.environ.get(WRITE):
            PAGE.write_text(text.replace(rows[0], line), encoding="utf-8")
        else:
            assert rows[0] == line, "the server answered otherwise than the page says: run make servers-table"
