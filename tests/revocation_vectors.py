"""Makes the signed documents in tests/revocation_cases.json: `python -m tests.revocation_vectors`.

The other tables of the file are written by hand. The private keys that sign the documents are not stored.
"""

import base64
import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.tokens.feed_reader import key  # noqa: E402
from tokens.issued import jws  # noqa: E402
from tokens.keys import material  # noqa: E402
from tokens.keys.key_pair import RingSigner  # noqa: E402

CASES = Path(__file__).with_name("revocation_cases.json")
T = 1_830_000_000
ISSUER = "https://issuer.example"
TYPE = "revocation-feed+jwt"
V41, V42, FORK = "41.q1ZmuU-AhQw", "42.AAAAAAAAAAA", "41.BBBBBBBBBBB"
Entry = tuple[str, str, int, int]
"""Kind, identifier, until, issued_before."""
TOKEN: Entry = ("jti", "t-1", T + 600, 0)
SECOND: Entry = ("jti", "t-2", T + 700, 0)
USER: Entry = ("sub", "alice", T + 4000, T - 9)

HOUR = timedelta(hours=1)
RSA, EC, UNTRUSTED = (RingSigner(HOUR, material.generate(name)) for name in ("RS256", "ES256", "ES256"))


def packed(*entries: Entry) -> bytes:
    rows = [struct.pack(">16sII", key(kind, name), until, before) for kind, name, until, before in entries]
    return b"".join(sorted(rows))


def text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def state(version: str | None, iat: int | None, *entries: Entry) -> dict[str, Any]:
    rows = sorted([key(kind, name).hex(), until, before] for kind, name, until, before in entries)
    return {"version": version, "iat": iat, "entries": rows}


def document(*entries: Entry, signer: Any = RSA, typ: str = TYPE, **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "iat": T,
        "exp": T + 600,
        "ring": "default",
        "version": V41,
        "entries": text(packed(*entries)),
    }
    whole = {name: value for name, value in (claims | changes).items() if value is not None}
    return jws.sign(whole, typ=typ, signer=signer)


def digest(body: bytes) -> str:
    return text(hashlib.sha256(body).digest())


NOTHING = state(None, None)
AT_41 = state(V41, T - 60, TOKEN)
SEGMENT = packed(TOKEN, USER)
LISTED = [[digest(SEGMENT), 2]]


def accepted() -> Sequence[dict[str, Any]]:
    kid = ("kid", UNTRUSTED.kid, T + 9999, 0)
    return [
        case("a first read: the full state", NOTHING, document(TOKEN, USER), state(V41, T, TOKEN, USER)),
        case("signed with ES256", NOTHING, document(TOKEN, signer=EC), state(V41, T, TOKEN)),
        case("a delta", AT_41, document(SECOND, since=V41, version=V42), state(V42, T, TOKEN, SECOND)),
        case("a delta without news, signed again", AT_41, document(since=V41), state(V41, T, TOKEN)),
        case("applied twice", state(V41, T, TOKEN), document(TOKEN), state(V41, T, TOKEN)),
        case(
            "more is to come",
            AT_41,
            document(SECOND, since=V41, version=V42, more=True),
            state(V42, T, TOKEN, SECOND),
            more=True,
        ),
        case(
            "the later instants count, from either side",
            state(V41, T - 60, ("sub", "alice", T + 4000, T - 90), ("sub", "bob", T + 5000, T - 5)),
            document(USER, ("sub", "bob", T + 4000, T - 90), since=V41, version=V42),
            state(V42, T, USER, ("sub", "bob", T + 5000, T - 5)),
        ),
        case(
            "what has ended is not kept",
            state(V41, T - 60, ("jti", "old", T, 0), TOKEN),
            document(("jti", "ended", T, 0), SECOND, since=V41, version=V42),
            state(V42, T, TOKEN, SECOND),
        ),
        case(
            "a full state that lacks an entry takes none away",
            AT_41,
            document(SECOND, version=V42),
            state(V42, T, TOKEN, SECOND),
        ),
        case(
            "a log that went back: the full state of a database that lost versions",
            AT_41,
            document(SECOND, version="7.BBBBBBBBBBB"),
            state("7.BBBBBBBBBBB", T, TOKEN, SECOND),
            went_back=True,
        ),
        case("the same number with another tag", AT_41, document(SECOND, version=FORK), state(FORK, T, TOKEN, SECOND)),
        case(
            "segments beside inline entries",
            NOTHING,
            document(SECOND, segments=LISTED),
            state(V41, T, TOKEN, SECOND, USER),
            segments={digest(SEGMENT): text(SEGMENT)},
        ),
        case(
            "segments in a delta",
            AT_41,
            document(SECOND, since=V41, version=V42, segments=LISTED),
            state(V42, T, TOKEN, SECOND, USER),
            segments={digest(SEGMENT): text(SEGMENT)},
        ),
        case(
            "a revoked key that is not the signer's", state(V41, T - 60, kid), document(since=V41), state(V41, T, kid)
        ),
        case("clock error of 60 s, the document ahead", NOTHING, document(iat=T + 60, exp=T + 600), state(V41, T + 60)),
        case(
            "clock error of 60 s, the document just over",
            NOTHING,
            document(iat=T - 600, exp=T - 59),
            state(V41, T - 600),
        ),
        case(
            "signed up to 60 s before the last one", AT_41, document(iat=T - 120, since=V41), state(V41, T - 120, TOKEN)
        ),
        case("claims that this version does not know", NOTHING, document(TOKEN, planet="x"), state(V41, T, TOKEN)),
    ]


def refused() -> Sequence[dict[str, Any]]:
    good = document(TOKEN)
    head, payload, signature = good.split(".")
    other = document(TOKEN, USER).split(".")[1]
    unsigned = text(json.dumps({"alg": "none", "kid": RSA.kid, "typ": TYPE}).encode())
    body = packed(SECOND)
    return [
        wrong("3.1", "an access token's typ", document(TOKEN, typ="at+jwt")),
        wrong("3.1", "the typ of the format before", document(TOKEN, typ="revocations+jwt")),
        wrong("3.2", "another payload under the signature", f"{head}.{other}.{signature}"),
        wrong("3.2", "no signature", f"{unsigned}.{payload}."),
        wrong("3.2", "a key that is not in the JWKS", document(TOKEN, signer=UNTRUSTED)),
        wrong(
            "3.2",
            "the signer's key is revoked",
            document(TOKEN),
            held=state(V41, T - 60, ("kid", RSA.kid, T + 9999, 0)),
        ),
        wrong("3.3", "another issuer", document(TOKEN, iss="https://issuer.example/")),
        wrong("3.3", "another ring", document(TOKEN, ring="orders")),
        wrong("3.3", "no ring", document(TOKEN, ring=None)),
        wrong("3.4", "from the future", document(TOKEN, iat=T + 61)),
        wrong("3.4", "over", document(TOKEN, iat=T - 660, exp=T - 60)),
        wrong("3.4", "an hour ago", document(TOKEN, iat=T - 3600, exp=T - 3000)),
        wrong("3.4", "older than the last one", document(TOKEN, iat=T - 121), held=AT_41),
        wrong("3.4", "no time", document(TOKEN, iat=None)),
        wrong("3.4", "an end that is no number", document(TOKEN, exp="soon")),
        wrong("3.5", "a delta for a reader that has nothing", document(TOKEN, since=V41)),
        wrong("3.5", "a delta from another version", document(TOKEN, since=V42, version="43.AAAAAAAAAAA"), held=AT_41),
        wrong("3.5", "a delta from another tag", document(TOKEN, since=FORK, version=V42), held=AT_41),
        wrong("3.5", "a delta that goes back", document(TOKEN, since=V41, version="40.AAAAAAAAAAA"), held=AT_41),
        wrong("3.5", "no version", document(TOKEN, version=None)),
        wrong("3.5", "a version without a tag", document(TOKEN, version="41")),
        wrong("3.5", "a version with a leading zero", document(TOKEN, version="041.q1ZmuU-AhQw")),
        wrong("3.6", "no entries", document(entries=None)),
        wrong("3.6", "part of an entry", document(entries=text(packed(TOKEN)[:-1]))),
        wrong("3.6", "entries that are no base64url", document(entries="/" * 32)),
        wrong("3.6", "entries that are a list", document(entries=["t-1"])),
        wrong("3.6", "a segment without its count", document(segments=[digest(body)])),
        wrong("3.6", "a segment that is larger than any", document(segments=[[digest(body), 16_385]])),
        wrong("3.6", "a digest that leads elsewhere", document(segments=[["../" + "A" * 40, 1]])),
        wrong("4", "a segment that cannot be had", document(segments=LISTED)),
        wrong(
            "4",
            "another segment's body",
            document(segments=LISTED),
            segments={digest(SEGMENT): text(packed(SECOND, USER))},
        ),
        wrong(
            "4",
            "more in a segment than its count",
            document(segments=[[digest(SEGMENT), 1]]),
            segments={digest(SEGMENT): text(SEGMENT)},
        ),
    ]


def case(
    name: str, held: Any, signed: str, after: Any, *, segments: Mapping[str, str] | None = None, **flags: bool
) -> dict[str, Any]:
    return {"name": name, "held": held, "document": signed, "segments": segments or {}, "after": after, **flags}


def wrong(
    rule: str, name: str, signed: str, *, held: Any = NOTHING, segments: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {"name": name, "held": held, "document": signed, "segments": segments or {}, "refused_by": rule}


def main() -> None:
    """Sign the documents again, and write them into the table `feeds` of tests/revocation_cases.json."""
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    cases["feeds"] = {
        "issuer": ISSUER,
        "ring": "default",
        "now": T,
        "algorithms": ["RS256", "ES256"],
        "jwks": {"keys": [signer.pair.jwk for signer in (RSA, EC)]},
        "cases": [*accepted(), *refused()],
    }
    CASES.write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
