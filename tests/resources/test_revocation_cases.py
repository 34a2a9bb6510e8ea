"""The resource server passes the cases of tests/revocation_cases.json, which the issuer passes, too."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from resources.feed.feed_follower import Follower
from resources.feed.feed_source import Answer, Policy, Time
from resources.feed.revocation_feed import FeedState
from resources.issuer_trust import TrustedIssuer
from resources.jose.jwk import read_jwks
from resources.keysets.key_pins import PinnedKeys
from resources.revocations.refusals import Refusals
from resources.revocations.revocation_key import key
from resources.revocations.revocation_set import EMPTY, LAYOUT
from resources.testing import at

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


FEEDS = CASES["feeds"]


class Script:
    """A source of the revocation feed that serves the document and the segments of a case."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case

    def poll(self, *, since: str, conditional: bool) -> Answer:
        del conditional
        assert since == (self.case["held"]["version"] or "")
        return Answer(self.case["document"].encode())

    def segment(self, digest: str) -> bytes:
        body = self.case["segments"][digest]
        return urlsafe_b64decode(body + "=" * (-len(body) % 4))


def state(case: dict[str, Any]) -> FeedState:
    before = case["held"]
    packed = b"".join(LAYOUT.pack(bytes.fromhex(name), *dates) for name, *dates in before["entries"])
    iat = before["iat"] or 0
    return FeedState(EMPTY.merged(packed, now=0), before["version"] or "", iat, iat + 600)


def rows(follower: Follower) -> list[list[Any]]:
    entries = follower.state.entries
    return sorted([key.hex(), until, before] for key, until, before in entries if until > FEEDS["now"])


@pytest.mark.parametrize("case", FEEDS["cases"], ids=lambda case: case["name"])
def test_a_reader_accepts_or_refuses_the_document_of_a_case(case: dict[str, Any]) -> None:
    algorithms = frozenset(FEEDS["algorithms"])
    keys = PinnedKeys(read_jwks(json.dumps(FEEDS["jwks"]).encode(), algorithms=algorithms))
    follower = Follower(
        Script(case),
        TrustedIssuer(FEEDS["issuer"], algorithms, keys),
        Policy(every=30, late_after=120, refuse_when_late=False, longest_backoff=60),
        Time(clock=lambda: 0.0, time_of_day=lambda: at(FEEDS["now"]), sleep=lambda _seconds: None),
        ring=FEEDS["ring"],
        configured=Refusals(),
        state=state(case),
    )
    pause = follower.poll()
    status = follower.status()
    if "refused_by" in case:
        assert (status["failures"], follower.state.version) == (1, case["held"]["version"] or "")
        return
    after = case["after"]
    assert (follower.state.version, follower.state.iat, rows(follower)) == (
        after["version"],
        after["iat"],
        after["entries"],
    )
    assert (status["failures"], status["went_back"], pause == 0) == (0, case.get("went_back", False), "more" in case)


def test_every_rule_has_a_refused_case() -> None:
    rules = {case["refused_by"] for case in FEEDS["cases"] if "refused_by" in case}
    assert rules >= {"3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "4"}
