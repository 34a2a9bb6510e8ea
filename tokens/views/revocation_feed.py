"""/oauth/revocations: the revocation feed, for APIs to poll (docs/revocation-feed.md)."""

import re
from datetime import datetime

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens import errors
from tokens.conf import issuer
from tokens.keys import keyring, store
from tokens.keys.errors import NotReady, UnknownKey
from tokens.keys.key_pair import Signer
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.limits.rate_limit import NotCounted, TooMany
from tokens.models import Segment
from tokens.revoking import feed, feed_log
from tokens.revoking.feed import Document, Edition, documents
from tokens.revoking.feed_log import Head, Version
from tokens.views.conditional import is_known
from tokens.views.cors import public
from tokens.views.limits import count

VERSION = re.compile(r"(?P<number>0|[1-9][0-9]{0,17})\.(?P<tag>[A-Za-z0-9_-]{11})", re.ASCII)
SHARED = "public, max-age=1"
FOR_EVER = "public, max-age=86400, immutable"


@public
def revocations(request: HttpRequest, ring: str = DEFAULT_RING) -> HttpResponse:
    """Answer with the revocations since the version in `since`, or all; 304 if the reader's version is current.

    Answers 503 if no key can sign new revocations. An API on a ring of its own reads that ring's feed.
    """
    try:
        since = _since(request)
    except ValueError:
        return errors.answer({"error": "invalid_request", "error_description": "since is not a version."}, 400)
    head = feed_log.head()
    read_at, more = None, False
    if head.has_waiting:
        read_at = store.database_now()
        more, head = feed_log.publish(now=read_at), feed_log.head()
    headers = {"ETag": f'W/"{head.version}"', "Cache-Control": SHARED}
    known = HttpResponse(status=304, headers=headers) if is_known(request, headers["ETag"]) else None
    try:
        signer = keyring.feed_signer(ring, now=keyring.carried_clock(now=timezone.now()))
    except UnknownKey:
        return errors.answer({"error": "not_found", "error_description": "There is no such ring."}, 404)
    except NotReady as error:
        return known or errors.unavailable(error.retry_after, reason=str(error))
    if answer := known or _too_many(request, "revocations"):
        return answer
    try:
        document = _document(ring, since, head, more=more, signer=signer, read_at=read_at)
    except NotReady as error:  # the PKCS#11 token does not answer
        return errors.unavailable(error.retry_after, reason=str(error))
    headers["ETag"] = f'W/"{document.edition.version}"'
    return HttpResponse(document.body, content_type=feed.MEDIA_TYPE, headers=headers)


@public
def segment(request: HttpRequest, digest: str, ring: str = DEFAULT_RING) -> HttpResponse:  # noqa: ARG001
    """Answer with the segment of this digest. Segments are the same for every ring."""
    headers = {"ETag": f'"{digest}"', "Cache-Control": FOR_EVER}
    if answer := _too_many(request, "segments"):
        return answer
    body = Segment.objects.filter(pk=digest).values_list("body", flat=True).first()
    if body is None:
        return errors.answer({"error": "not_found", "error_description": "There is no such segment."}, 404)
    if is_known(request, headers["ETag"]):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(bytes(body), content_type="application/octet-stream", headers=headers)


def _since(request: HttpRequest) -> Version | None:
    """Return the version that the reader has, or None. Raises ValueError if `since` is malformed or repeated."""
    try:
        asked = request.GET.getlist("since")
    except TooManyFieldsSent:
        raise ValueError("parameters") from None
    if not asked:
        return None
    found = VERSION.fullmatch(asked[0])
    if found is None or len(asked) > 1:
        raise ValueError("since")
    return Version(int(found["number"]), found["tag"])


def _document(
    ring: str, since: Version | None, head: Head, *, more: bool, signer: Signer, read_at: datetime | None
) -> Document:
    """Return the document of the current version, from this process's cache if it is there.

    `read_at` is the database's clock if this request read it. A carried clock must not date a document: nodes differ by
    milliseconds, and a reader refuses a document that is older than its last one. Raises NotReady.
    """
    edition, key = Edition(head.version, signer.kid), (ring, since)
    if found := documents.find(key, edition, now=timezone.now()):
        return found

    def build() -> Document | None:
        at = read_at or store.database_now()
        found = feed_log.changes(since, now=at, sealed=head.sealed)
        return feed.sign(found, key, more=more, signer=signer, now=at) if found else None

    document = documents.get(key, edition, now=timezone.now(), build=build)
    # None if the log does not know the reader's version; then send the full state
    return document or _document(ring, None, head, more=more, signer=signer, read_at=read_at)


def _too_many(request: HttpRequest, what: str) -> HttpResponse | None:
    """Return 429 if the address has asked too often, else None. If nothing can be counted, refuses nothing."""
    try:
        count(request, what, (), issuer().rate_limits[what], subject="api:unknown")
    except TooMany as error:
        return errors.too_many(error.retry_after)
    except NotCounted:
        return None
    return None
