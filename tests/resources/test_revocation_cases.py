"""The table of docs/revocation-feed.md, answered by the resource server; the issuer answers the same file."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from resources.discovery import read_jwks
from resources.keyset import PinnedKeys
from resources.refusals import Refusals
from resources.revocation_feed import Held
from resources.revocation_key import key
from resources.revocation_set import EMPTY, LAYOUT
from resources.revocations import Answer, Follower, Policy
from resources.testing import at
from resources.verify import TrustedIssuer

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


class Script:
    """The document and segments of one row."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    def poll(self, *, since: str, conditional: bool) -> Answer:
        del conditional
        assert since == self.row["held"]["version"]
        return Answer(self.row["document"].encode())

    def segment(self, digest: str) -> bytes:
        return urlsafe_b64decode(self.row["segments"][digest] + "==")


def held(row: dict[str, Any]) -> Held:
    before = row["held"]
    packed = b"".join(LAYOUT.pack(bytes.fromhex(name), *dates) for name, dates in before["entries"].items())
    return Held(EMPTY.merged(packed, now=row["now"]), before["version"], before["iat"], before["exp"])


@pytest.mark.parametrize("row", CASES["feeds"], ids=lambda row: row["name"])
def test_what_a_reader_makes_of_a_document(row: dict[str, Any]) -> None:
    algorithms = frozenset({"RS256", "ES256"})
    keys = PinnedKeys(read_jwks(json.dumps(row["jwks"]).encode(), algorithms=algorithms))
    follower = Follower(
        Script(row),
        TrustedIssuer(row["issuer"], algorithms, keys),
        Policy(every=30, late_after=120, refuse_when_late=False, longest_backoff=60),
        ring=row["ring"],
        clock=lambda: 0.0,
        wall=lambda: at(row["now"]),
        own=Refusals(),
        held=held(row),
    )
    follower.poll()
    expected = row["expected"]
    if "refused" in expected:
        assert (follower.status()["failures"], follower.held.version) == (1, row["held"]["version"])
        return
    known = [one for bucket in follower.held.entries.buckets for one in LAYOUT.iter_unpack(bucket)]
    entries = {key.hex(): [until, issued_before] for key, until, issued_before in known}
    assert (follower.held.version, entries) == (expected["version"], expected["entries"])
