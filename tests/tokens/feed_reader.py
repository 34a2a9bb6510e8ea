"""A reader of the revocation feed (docs/revocation-feed.md) that shares no code with the issuer."""

import base64
import hashlib
import struct
from dataclasses import dataclass, field
from typing import Any

import jwt


def claims_of(text: str) -> dict[str, Any]:
    return jwt.decode(text, options={"verify_signature": False})


def entries_of(packed: bytes) -> dict[bytes, tuple[int, int]]:
    """Return a mapping from the key of each packed entry to (until, issued_before).

    Fails unless the keys are in ascending order.
    """
    entries = list(struct.iter_unpack(">16sII", packed))
    keys = [key for key, _, _ in entries]
    assert keys == sorted(set(keys))
    return {key: (until, before) for key, until, before in entries}


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key(kind: str, identifier: str) -> bytes:
    return hashlib.sha256(kind.encode() + b"\0" + identifier.encode()).digest()[:16]


@dataclass
class Reader:
    """A reader of the feed. It polls with Django's test client, or with an object that has the same method `get`."""

    browser: Any
    path: str = "/oauth/revocations"
    version: str = ""
    held: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    received: list[bytes] = field(default_factory=list)
    """Every key that came, in order, again if it came again."""
    versions: list[int] = field(default_factory=list)
    full_reads: int = 0
    segments: int = 0
    read: int = 0
    largest: int = 0

    def poll(self, *, conditional: bool = True) -> int:
        """Poll the feed, merge the answer into the reader's state, and return the status of the answer.

        If `conditional`, the request has an If-None-Match header with the version of the reader's state.
        """
        query = {"since": self.version} if self.version else {}
        headers = {"if-none-match": f'W/"{self.version}"'} if self.version and conditional else {}
        answer = self.browser.get(self.path, query, headers=headers)
        if answer.status_code == 200:
            self._count(answer.content)
            self._merge(claims_of(answer.content.decode()))
        return answer.status_code

    def _merge(self, claims: dict[str, Any]) -> None:
        assert claims.get("since", self.version) == self.version
        self.full_reads += "since" not in claims
        parts = [decode(claims["entries"])]
        for digest, count in claims.get("segments", []):
            body = self.browser.get(f"{self.path}/segments/{digest}").content
            self._count(body)
            self.segments += 1
            assert (len(body), decode(digest)) == (24 * count, hashlib.sha256(body).digest())
            parts.append(body)
        for part in parts:
            for key, (until, before) in entries_of(part).items():
                self.received.append(key)
                old = self.held.get(key, (0, 0))
                self.held[key] = (max(until, old[0]), max(before, old[1]))
        self.version = claims["version"]
        self.versions.append(int(self.version.partition(".")[0]))

    def _count(self, body: bytes) -> None:
        self.read += len(body)
        self.largest = max(self.largest, len(body))
