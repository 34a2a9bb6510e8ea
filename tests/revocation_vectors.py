"""Make the signed documents of tests/revocation_cases.json: `python -m tests.revocation_vectors`.

The keys are new in each run and are not kept, so nobody can sign a further document by them. What a reader makes of
each document is written here by hand, from docs/revocation-feed.md.
"""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from resources.testing import SigningKey, compact, jwks
from tests.resources.feeds import base64url, digest, entry, version

FILE = Path(__file__).parent / "revocation_cases.json"
ISSUER = "https://issuer.example"
NOW = 1_830_000_000
UNTIL = NOW + 3600
OTHER_TAG = "BBBBBBBBBBB"


def vectors() -> list[dict[str, Any]]:
    first = SigningKey(private=rsa.generate_private_key(65537, 2048), kid="k-1")
    second = SigningKey(private=ec.generate_private_key(ec.SECP256R1()), kid="k-2", algorithm="ES256")
    stranger = SigningKey(private=rsa.generate_private_key(65537, 2048), kid="k-1")
    one, two, user = (
        entry("jti", "t-1", until=UNTIL),
        entry("jti", "t-2", until=UNTIL),
        entry("sub", "alice", until=UNTIL, before=NOW),
    )
    segment = b"".join(sorted([two, user]))
    known = {hexadecimal(one): [UNTIL, 0]}
    held = {"version": version(5), "iat": NOW - 30, "exp": NOW + 570, "entries": known}
    signed_by_first = {hexadecimal(entry("kid", "k-1", until=UNTIL)): [UNTIL, 0]}

    def made(
        name: str, expected: Any, *, signer: SigningKey = first, before: Any = None, **changes: Any
    ) -> dict[str, Any]:
        parts = changes.pop("parts", {})
        head = {"typ": changes.pop("typ", "revocation-feed+jwt"), "alg": signer.algorithm, "kid": signer.kid}
        claims = {"iss": ISSUER, "iat": NOW, "exp": NOW + 600, "ring": "default", "version": version(7), "entries": ""}
        whole = {name: value for name, value in (claims | changes).items() if value is not None}
        return {
            "name": name,
            "issuer": ISSUER,
            "ring": "default",
            "now": NOW,
            "held": before or {"version": "", "iat": 0, "exp": 0, "entries": {}},
            "jwks": jwks(first, second),
            "document": compact(head, whole, key=signer),
            "segments": {name: base64url(body) for name, body in parts.items()},
            "expected": expected,
        }

    def state(*entries: bytes, at: str = version(7), and_known: bool = False) -> dict[str, Any]:
        dates = {
            hexadecimal(one): [int.from_bytes(one[16:20], "big"), int.from_bytes(one[20:], "big")] for one in entries
        }
        return {"version": at, "entries": dict(sorted((dates | (known if and_known else {})).items()))}

    listed = [[digest(segment), 2]]
    return [
        made("a full state without entries", state()),
        made("a full state with one entry", state(one), entries=base64url(one)),
        made("a full state by an EC key", state(one), signer=second, entries=base64url(one)),
        made("the type in full", state(), typ="application/revocation-feed+jwt"),
        made(
            "a segment beside the entries",
            state(one, two, user),
            entries=base64url(one),
            segments=listed,
            parts={digest(segment): segment},
        ),
        made("a delta", state(two, and_known=True), before=held, since=version(5), entries=base64url(two)),
        made(
            "a delta with nothing new",
            state(at=version(5), and_known=True),
            before=held,
            since=version(5),
            version=version(5),
        ),
        made("a full state that lacks an entry", state(two, and_known=True), before=held, entries=base64url(two)),
        made(
            "a full state of a database that went back",
            state(at=version(3, OTHER_TAG), and_known=True),
            before=held,
            version=version(3, OTHER_TAG),
        ),
        made("an entry that has ended", state(), entries=base64url(entry("jti", "t-1", until=NOW))),
        made(
            "the later until counts",
            state(entry("jti", "t-1", until=UNTIL + 5)),
            before=held,
            entries=base64url(entry("jti", "t-1", until=UNTIL + 5)),
        ),
        made(
            "an earlier until does not",
            state(and_known=True),
            before=held,
            entries=base64url(entry("jti", "t-1", until=UNTIL - 5)),
        ),
        made("a member of a later specification", state(), future={"a": [1]}),
        made("60 s of the future", state(), iat=NOW + 60),
        made("ended 59 s ago", state(), exp=NOW - 59),
        made("another type", {"refused": "3.1"}, typ="JWT"),
        made("another's signature", {"refused": "3.2"}, signer=stranger),
        made("a revoked key", {"refused": "3.2"}, before=held | {"entries": signed_by_first}, entries=base64url(two)),
        made("another issuer", {"refused": "3.3"}, iss="https://other.example"),
        made("another ring", {"refused": "3.3"}, ring="orders"),
        made("61 s of the future", {"refused": "3.4"}, iat=NOW + 61),
        made("ended 60 s ago", {"refused": "3.4"}, exp=NOW - 60),
        made("older than the last one", {"refused": "3.4"}, before=held, iat=NOW - 31),
        made("no iat", {"refused": "3.4"}, iat=None),
        made("a version with a leading zero", {"refused": "3.5"}, version=f"07.{OTHER_TAG}"),
        made("a delta of another version", {"refused": "3.5"}, before=held, since=version(6)),
        made("a delta of another log", {"refused": "3.5"}, before=held, since=version(5, OTHER_TAG)),
        made("a delta that goes back", {"refused": "3.5"}, before=held, since=version(5), version=version(4)),
        made("a delta for a reader without a version", {"refused": "3.5"}, since=version(5)),
        made("entries cut short", {"refused": "3.6"}, entries=base64url(one[:-1])),
        made("a segment that cannot be had", {"refused": "4"}, segments=listed),
        made("a segment cut short", {"refused": "4"}, segments=listed, parts={digest(segment): segment[:24]}),
        made(
            "a segment with another entry",
            {"refused": "4"},
            segments=listed,
            parts={digest(segment): segment[:24] + one},
        ),
    ]


def hexadecimal(one: bytes) -> str:
    return one[:16].hex()


if __name__ == "__main__":
    tables = json.loads(FILE.read_text(encoding="utf-8"))
    FILE.write_text(json.dumps(tables | {"feeds": vectors()}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
