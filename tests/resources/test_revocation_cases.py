"""The table of docs/revocation-feed.md, answered by the resource server; the issuer answers the same file."""

import json
from pathlib import Path
from typing import Any

import pytest

from resources.refusals import Refusals
from resources.revocation_key import key
from resources.revocation_set import EMPTY, LAYOUT

CASES = json.loads((Path(__file__).parent.parent / "revocation_cases.json").read_text(encoding="utf-8"))
LATE = 4_000_000_000
# The name of the claim by which the API reports what the kinds of an entry cover.
CLAIM = {
    "jti": "jti",
    "grant": "grant_id",
    "kid": "kid",
    "sub": "sub",
    "client": "client_id",
    "client_sub": "client_id",
}


@pytest.mark.parametrize("row", CASES["keys"], ids=lambda row: f"{row['kind']} {row['identifier'][:20]!r}")
def test_a_key_is_the_hash_of_kind_and_identifier(row: dict[str, str]) -> None:
    assert key(row["kind"], row["identifier"]).hex() == row["key"]


@pytest.mark.parametrize("row", CASES["coverage"], ids=lambda row: row["name"])
def test_which_entry_covers_which_token(row: dict[str, Any]) -> None:
    entries = row["entries"]
    packed = b"".join(
        LAYOUT.pack(key(entry["kind"], entry["identifier"]), LATE, entry["issued_before"]) for entry in entries
    )
    reason = Refusals(EMPTY.merged(packed, now=0)).reason(row["kid"], row["claims"])
    assert (reason == "") == (row["covered_by"] == [])
    assert reason == "" or reason in {CLAIM.get(kind, kind) for kind in row["covered_by"]}
