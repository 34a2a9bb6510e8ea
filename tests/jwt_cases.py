"""The cases of tests/jwt_cases.json as tokens.

Issuer and API each have their own code that reads JWTs. Both must give the results in this table.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
NOW: int = TABLE["now"]


@dataclass(frozen=True, slots=True)
class Case:
    """A JWT, and the verdicts of issuer and API. The fields say how it differs from a valid token.

    A verdict is the reason of the refusal, or "" if the token is accepted.
    """

    name: str
    header: dict[str, Any]
    claims: dict[str, Any]
    mutation: str
    issuer: str
    api: str

    def text(self, *, kid: str, sign: Callable[[bytes], bytes]) -> str:
        """Return the token with this `kid`, signed by `sign`. The mutation of the case is applied after the signing."""
        head = changed(TABLE["header"] | {"kid": kid}, self.header)
        payload = changed(TABLE["claims"], self.claims)
        parts = [encoded(dumped(head, self.mutation == "repeated alg")), encoded(dumped(payload, False))]
        parts.append(encoded(sign(".".join(parts).encode())))
        return MUTATIONS[self.mutation](parts)


def cases() -> list[Case]:
    return [Case(**{"header": {}, "claims": {}, "mutation": "none"} | case) for case in TABLE["cases"]]


def changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `members` with `changes` applied. A change to None removes the member."""
    return {name: value for name, value in (members | changes).items() if value is not None}


def dumped(members: dict[str, Any], repeated: bool) -> bytes:
    text = json.dumps(members)
    return (text[:-1] + ', "alg": "RS256"}' if repeated else text).encode()


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def other_spelling(part: str) -> str:
    """Return a different base64url text that decodes to the same octets.

    The texts differ in an unused bit at the end.
    """
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(part) % 4 in {2, 3}
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


MUTATIONS: dict[str, Callable[[list[str]], str]] = {
    "none": ".".join,
    "repeated alg": ".".join,
    "two parts": lambda parts: ".".join(parts[:2]),
    "four parts": lambda parts: ".".join([*parts, "e30"]),
    "padded signature": lambda parts: ".".join(parts) + "==",
    "other spelling of the signature": lambda parts: ".".join([*parts[:2], other_spelling(parts[2])]),
    "another signature": lambda parts: ".".join([*parts[:2], encoded(b"x" * 256)]),
    "no signature": lambda parts: ".".join([*parts[:2], ""]),
    "another payload": lambda parts: ".".join([parts[0], encoded(b'{"aud": "https://api.example/"}'), parts[2]]),
    "too long": lambda parts: ".".join([*parts[:2], parts[2] + "A" * 8192]),
}
