"""Reads the signed documents of tests/revocation_cases.json by the rules of docs/revocation-feed.md."""

import hashlib
import json
import re
from pathlib import Path

import jwt
import pytest

from tests.tokens.feed_reader import decode, entries_of, key

FEEDS = json.loads((Path(__file__).parents[2] / "revocation_cases.json").read_text())["feeds"]
VERSION = re.compile(r"(0|[1-9][0-9]{0,18})\.[A-Za-z0-9_-]{11}")
DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")


class Refused(Exception):
    """Raised if a rule of docs/revocation-feed.md section 3 refuses the document. The argument is the rule's number."""


def require(holds, rule):
    if not holds:
        raise Refused(rule)


def read(case):
    """Return the state of a reader of the feed after it has read the document of the case.

    Applies the rules of docs/revocation-feed.md section 3 in their order. Raises Refused at the first broken rule.
    """
    held, now = case["held"], FEEDS["now"]
    state = {bytes.fromhex(name): (until, before) for name, until, before in held["entries"]}
    try:
        header = jwt.get_unverified_header(case["document"])
    except jwt.PyJWTError:
        raise Refused("3.1") from None
    require(header["typ"] == "revocation-feed+jwt", "3.1")
    require(key("kid", header["kid"]) not in state, "3.2")
    claims = verified(case["document"], header["kid"])
    require((claims["iss"], claims.get("ring")) == (FEEDS["issuer"], FEEDS["ring"]), "3.3")
    iat, exp = claims.get("iat"), claims.get("exp")
    require(isinstance(iat, int) and isinstance(exp, int), "3.4")
    require(iat <= now + 60 and iat >= (held["iat"] or 0) - 60 and exp > now - 60, "3.4")
    version, since = claims.get("version"), claims.get("since")
    require(isinstance(version, str) and VERSION.fullmatch(version), "3.5")
    back = bool(held["version"]) and number(version) < number(held["version"])
    require(since is None or (since == held["version"] and not back), "3.5")
    parts = [inline(claims), *(segment(case, digest, count) for digest, count in listed(claims))]
    for part in parts:
        for name, (until, before) in entries_of(part).items():
            old = state.get(name, (0, 0))
            state[name] = (max(until, old[0]), max(before, old[1]))
    rows = sorted([name.hex(), *times] for name, times in state.items() if times[0] > now)
    return {"version": version, "iat": iat, "entries": rows}, back, claims.get("more", False)


def verified(text, kid):
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(FEEDS["jwks"]).keys}
    require(kid in keys, "3.2")
    try:
        options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        return jwt.decode(text, keys[kid].key, algorithms=[keys[kid].algorithm_name], options=options)
    except jwt.PyJWTError:
        raise Refused("3.2") from None


def inline(claims):
    """Return the packed entries that are in the document itself, and not in a segment.

    Raises Refused if they break rule 3.6 of docs/revocation-feed.md.
    """
    entries = claims.get("entries")
    require(isinstance(entries, str) and re.fullmatch(r"[A-Za-z0-9_-]*", entries), "3.6")
    require(len(decode(entries)) % 24 == 0, "3.6")
    return decode(entries)


def listed(claims):
    """Return the digest and the number of entries of each segment that the document names.

    Raises Refused if they break rule 3.6 of docs/revocation-feed.md.
    """
    segments = claims.get("segments", [])
    for segment in segments:
        require(isinstance(segment, list) and len(segment) == 2, "3.6")
        digest, count = segment
        require(DIGEST.fullmatch(digest) and isinstance(count, int) and 0 < count <= 16_384, "3.6")
    return segments


def segment(case, digest, count):
    """Return the entries of a segment, after a check by the rules of docs/revocation-feed.md section 4.

    `case` is the test case, which has the segments by their hash. `digest` is the segment's hash, and `count` is its
    number of entries. The document names both. Raises Refused if the segment is missing or does not match them.
    """
    require(digest in case["segments"], "4")
    body = decode(case["segments"][digest])
    require(len(body) == 24 * count and hashlib.sha256(body).digest() == decode(digest), "4")
    return body


def number(version):
    return int(version.partition(".")[0])


@pytest.mark.parametrize("case", FEEDS["cases"], ids=lambda case: case["name"])
def test_each_document_is_read_or_refused_as_the_specification_says(case):
    if "refused_by" in case:
        with pytest.raises(Refused, match=rf"^{re.escape(case['refused_by'])}$"):
            read(case)
    else:
        expected = (case["after"], case.get("went_back", False), case.get("more", False))
        assert read(case) == expected


def test_every_rule_refuses_something():
    assert {case["refused_by"] for case in FEEDS["cases"] if "refused_by" in case} == {
        *(f"3.{rule}" for rule in range(1, 7)),
        "4",
    }
