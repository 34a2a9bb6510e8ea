"""Verification of the documents and segments of the revocation feed. Pure.

`read_document` establishes, with the numbers of docs/revocation-feed.md section 3:
- 3.1: the document has at most 1 MiB, and the type of a feed document;
- 3.2: a key of the issuer verifies its signature, and no revocation entry that the reader holds covers that key;
- 3.3: it names this issuer and this ring, which is a set of signing keys with a JWKS of its own;
- 3.4: it is not from the future, has not expired, and is not older than the last document;
- 3.5: it is a full state, or a delta that begins at the reader's version and does not end at an earlier version;
- 3.6: its entries and segments are well-formed and within the limits.

`check_segment` establishes rule 4 of that section: the length and the digest of a segment. The caller must fetch the
segments, merge the entries, and keep its last good state if BadFeed is raised.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import InvalidToken
from ..issuer_trust import TrustedIssuer
from ..jose.compact_jws import decoded, header, is_instant, json_object, segments
from ..revocations.revocation_key import key
from ..revocations.revocation_set import EMPTY, ENTRY, RevocationSet
from ..verify import check_signature

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
    """A document or a segment of the revocation feed breaks a rule. The message names the rule."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the feed that is fetched separately: its SHA-256 in base64url, and the number of its entries."""

    digest: str
    count: int


@dataclass(frozen=True, slots=True)
class Document:
    """A verified document of the revocation feed. `iat` and `exp` are Unix seconds."""

    version: str
    iat: float
    exp: float
    is_delta: bool
    entries: bytes
    segments: tuple[Segment, ...]
    more: bool
    """True if the issuer already has further entries, so that the reader should poll again at once."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of a reader: its entries, and version, `iat` and `exp` (Unix seconds) of the last document.

    The version is "" before the first document.
    """

    entries: RevocationSet = EMPTY
    version: str = ""
    iat: float = 0.0
    exp: float = 0.0


def read_document(body: bytes, issuer: TrustedIssuer, *, ring: str, state: FeedState, now: datetime) -> Document:
    """Verify the feed document in `body`, and return it. `issuer` must have signed it.

    `ring` is the ring (set of signing keys) that the document must name. `state` is what the reader holds so far.
    Raises BadFeed if the document breaks a rule of docs/revocation-feed.md, and Unavailable if the issuer's keys are
    not known now.
    """
    kid, claims = _verified(body, issuer)
    # 3.2: a revoked key must not verify the feed either. Otherwise a stolen key could sign documents that hide its
    # own revocation.
    if state.entries.covers(key("kid", kid), 0):
        raise BadFeed("the document is signed by a revoked key")
    # 3.3
    if claims.get("iss") != issuer.url:
        raise BadFeed("the document names another issuer")
    if claims.get("ring") != ring:
        raise BadFeed("the document is for another ring")
    iat, exp = _times(claims, state, now.timestamp())
    version, is_delta = _versions(claims, state)
    more = claims.get("more", False)
    if not isinstance(more, bool):
        raise BadFeed("the document's more is not true or false")
    return Document(version, iat, exp, is_delta, _entries(claims), _segments(claims), more)


def check_segment(body: bytes, segment: Segment) -> None:
    """Check the length and the digest of the segment in `body`. Raises BadFeed if they are not those of `segment`."""
    digest = urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    if len(body) != ENTRY * segment.count or digest != segment.digest:
        raise BadFeed("a segment has not the length and digest that the document gives")


def number(version: str) -> int:
    """Return the number at the beginning of a version (NUMBER.TAG).

    Returns -1 for "", which is the version of a reader that has no document.
    """
    return int(version.partition(".")[0]) if version else -1


def _verified(body: bytes, issuer: TrustedIssuer) -> tuple[str, dict[str, Any]]:
    """Check the size, the type and the signature of a feed document. Return its `kid` and its claims.

    `body` is the document as the issuer sent it. The caller must refuse a revoked `kid`.

    Raises BadFeed if a check fails, and Unavailable if the issuer's keys are not known now.
    """
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


def _times(claims: dict[str, Any], state: FeedState, seconds: float) -> tuple[float, float]:
    """Check the document's times, and return `iat` and `exp`. Clocks may differ by CLOCK_ERROR.

    `seconds` is the current Unix time. Raises BadFeed if the document has expired, is from the future, or is older than
    the last document.
    """
    iat, exp = claims.get("iat"), claims.get("exp")
    if not is_instant(iat) or not is_instant(exp):
        raise BadFeed("the document's iat or exp is missing or malformed")
    if iat > seconds + CLOCK_ERROR or exp <= seconds - CLOCK_ERROR:
        raise BadFeed("the document is from the future, or has expired")
    if iat < state.iat - CLOCK_ERROR:  # tolerated, because the clocks of two processes of an issuer can differ
        raise BadFeed("the document is older than the last one")
    return iat, exp


def _versions(claims: dict[str, Any], state: FeedState) -> tuple[str, bool]:
    """Return the document's version, and True if the document is a delta.

    Raises BadFeed if the version is malformed, or if the delta does not follow the version that the reader holds.
    """
    version, since = claims.get("version"), claims.get("since")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise BadFeed("the document's version is missing or malformed")
    if "since" not in claims:
        return version, False
    if since != state.version or not state.version:
        raise BadFeed("the delta starts at another version than the reader's")
    if number(version) < number(state.version):
        raise BadFeed("the delta goes back to an earlier version")
    return version, True


def _entries(claims: dict[str, Any]) -> bytes:
    """Return the entries of the document as packed bytes. An entry has ENTRY bytes.

    Raises BadFeed if the entries are malformed or too many.
    """
    text = claims.get("entries")
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise BadFeed("the document's entries are missing or malformed")
    try:
        entries = decoded(text)
    except InvalidToken:
        raise BadFeed("the document's entries are malformed") from None
    if len(entries) % ENTRY or len(entries) > ENTRY * MAX_INLINE:
        raise BadFeed("the document's entries are incomplete or too many")
    return entries


def _segments(claims: dict[str, Any]) -> tuple[Segment, ...]:
    """Return the segments that the document names, each with its digest and its number of entries.

    Raises BadFeed if they are malformed or too many.
    """
    listed = claims.get("segments", [])
    if not isinstance(listed, list) or len(listed) > MAX_SEGMENTS or not all(map(_is_segment, listed)):
        raise BadFeed("the document's segments are malformed or too many")
    return tuple(Segment(digest, count) for digest, count in listed)


def _is_segment(value: object) -> bool:
    match value:
        case [str(digest), int(count)] if not isinstance(count, bool):
            return bool(_DIGEST.fullmatch(digest)) and 0 < count <= MAX_SEGMENT
    return False
