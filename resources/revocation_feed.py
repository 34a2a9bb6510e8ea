"""Reads a document of the revocation feed, and checks what a reader must establish before it uses one. Pure.

docs/revocation-feed.md section 3 numbers the rules; so does this module. The caller fetches the segments, merges the
entries, and keeps the last good state if BadFeed is raised.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from resources.errors import InvalidToken
from resources.revocation_key import key
from resources.revocation_set import EMPTY, ENTRY, RevocationSet
from resources.verify import (
    TrustedIssuer,
    check_signature,
    decoded,
    header,
    is_instant,
    json_object,
    segments,
)

TYPES = frozenset({"revocation-feed+jwt", "application/revocation-feed+jwt"})
MAX_DOCUMENT = 1024 * 1024  # bytes
MAX_INLINE = 16_384  # entries
MAX_SEGMENT = 16_384  # entries
MAX_SEGMENTS = 256
CLOCK_ERROR = 60  # seconds

_VERSION = re.compile(r"(0|[1-9][0-9]{0,18})\.[A-Za-z0-9_-]{11}")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")


class BadFeed(Exception):
    """The document or segment is not one that the issuer would serve; the message says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A further part of a document: the SHA-256 of its bytes in base64url, and the number of its entries."""

    digest: str
    count: int


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was verified. `iat` and `exp` are Unix seconds."""

    version: str
    iat: float
    exp: float
    is_delta: bool
    entries: bytes
    segments: tuple[Segment, ...]
    more: bool
    """True if the issuer has published further entries already."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a reader holds: entries, and version ("": none yet) and times (Unix seconds) of the last document."""

    entries: RevocationSet = EMPTY
    version: str = ""
    iat: float = 0.0
    exp: float = 0.0


def read_document(body: bytes, issuer: TrustedIssuer, *, ring: str, held: Held, now: datetime) -> Document:
    """Return the document in `body`, made by `issuer` for `ring`. Raises BadFeed."""
    kid, claims = _verified(body, issuer)
    # 3.2: an entry that the reader holds revokes the key for the feed, too, so a stolen key cannot hide its revocation.
    if held.entries.covers(key("kid", kid), 0):
        raise BadFeed("the document is signed by a revoked key")
    # 3.3
    if claims.get("iss") != issuer.url:
        raise BadFeed("the document is another issuer's")
    if claims.get("ring") != ring:
        raise BadFeed("the document is made for another ring")
    iat, exp = _times(claims, held, now.timestamp())
    version, is_delta = _versions(claims, held)
    more = claims.get("more", False)
    if not isinstance(more, bool):
        raise BadFeed("the member more is not true or false")
    return Document(version, iat, exp, is_delta, _entries(claims), _segments(claims), more)


def check_segment(body: bytes, segment: Segment) -> None:
    """Compare a fetched segment with the signed document (rule 4). Raises BadFeed if they differ."""
    digest = urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    if len(body) != ENTRY * segment.count or digest != segment.digest:
        raise BadFeed("a segment is not the one that the document names")


def number(version: str) -> int:
    """Return the number of a version; it grows within one log. "" is before every version."""
    return int(version.partition(".")[0]) if version else -1


def _verified(body: bytes, issuer: TrustedIssuer) -> tuple[str, dict[str, Any]]:
    """Return the claims of the document. Rules 3.1 and 3.2: size, type and signature."""
    if len(body) > MAX_DOCUMENT:
        raise BadFeed("the document is too long")
    try:
        token = body.decode("ascii")
        head, payload, signature = segments(token, longest=MAX_DOCUMENT)
        kid, algorithm = header(head, types=TYPES)
        check_signature(token, kid, algorithm, signature, issuer)
        return kid, json_object(payload)
    except (InvalidToken, UnicodeDecodeError) as error:
        raise BadFeed(f"the document does not verify: {error}") from error


def _times(claims: dict[str, Any], held: Held, seconds: float) -> tuple[float, float]:
    """Return iat and exp. Rule 3.4: not in the future, not ended, not older than the last document (± CLOCK_ERROR)."""
    iat, exp = claims.get("iat"), claims.get("exp")
    if not is_instant(iat) or not is_instant(exp):
        raise BadFeed("the document's iat or exp is missing or malformed")
    if iat > seconds + CLOCK_ERROR or exp <= seconds - CLOCK_ERROR:
        raise BadFeed("the document is of the future, or has ended")
    if iat < held.iat - CLOCK_ERROR:  # two processes of an issuer sign at their own times
        raise BadFeed("the document is older than the last one")
    return iat, exp


def _versions(claims: dict[str, Any], held: Held) -> tuple[str, bool]:
    """Return the version, and if this is a delta. Rule 3.5: a delta starts at the version held and does not go back."""
    version, since = claims.get("version"), claims.get("since")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise BadFeed("the document's version is missing or malformed")
    if "since" not in claims:
        return version, False
    if since != held.version or not held.version:
        raise BadFeed("the delta starts at another version")
    if number(version) < number(held.version):
        raise BadFeed("the delta goes back")
    return version, True


def _entries(claims: dict[str, Any]) -> bytes:
    """Return the packed entries. Rule 3.6: a whole number of them."""
    text = claims.get("entries")
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise BadFeed("the document's entries are missing or malformed")
    try:
        entries = decoded(text)
    except InvalidToken:
        raise BadFeed("the document's entries are malformed") from None
    if len(entries) % ENTRY or len(entries) > ENTRY * MAX_INLINE:
        raise BadFeed("the document's entries are cut short, or too many")
    return entries


def _segments(claims: dict[str, Any]) -> tuple[Segment, ...]:
    """Return the segments. Rule 3.6: digest and count of each, within the limits."""
    listed = claims.get("segments", [])
    if not isinstance(listed, list) or len(listed) > MAX_SEGMENTS or not all(map(_is_segment, listed)):
        raise BadFeed("the document's segments are malformed, or too many")
    return tuple(Segment(digest, count) for digest, count in listed)


def _is_segment(value: object) -> bool:
    match value:
        case [str(digest), int(count)] if not isinstance(count, bool):
            return bool(_DIGEST.fullmatch(digest)) and 0 < count <= MAX_SEGMENT
    return False
