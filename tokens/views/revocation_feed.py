"""/oauth/revocations: the revocation feed, which APIs poll (docs/revocation-feed.md).

Each key ring (a set of signing keys with a JWKS) signs a feed of its own, with the same revocations. An API reads the
feed of the ring that signs its tokens.
"""

import re

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens import errors
from tokens.audit import jobs, trail
from tokens.conf import issuer
from tokens.keys.errors import UnknownKey
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.rate_limit import TooMany
from tokens.models import Segment
from tokens.revoking import current_feed, feed
from tokens.revoking.feed_log import Version
from tokens.views.cors import public
from tokens.views.limits import count
from tokens.views.not_ready import json_if_not_ready
from tokens.views.public_document import is_current

VERSION = re.compile(r"(?P<number>0|[1-9][0-9]{0,17})\.(?P<tag>[A-Za-z0-9_-]{11})", re.ASCII)
SHARED = "public, max-age=1"
NO_VERSION = {"error": "invalid_request", "error_description": "The since parameter is not a version."}
IMMUTABLE = "public, max-age=86400, immutable"


@public
@json_if_not_ready()
def revocations(request: HttpRequest, ring: str = DEFAULT_RING) -> HttpResponse:
    """Return the revocations that were added to the feed after the version in the parameter `since`.

    Returns all revocations if `since` is missing, or if the log of the feed no longer has that version. Returns 304 if
    the reader has the current version, 400 if `since` is malformed, 404 if there is no key ring `ring`, 429 beyond the
    rate limit, and 503 if no key can sign new revocations.
    """
    try:
        since = _since(request)
    except ValueError:
        return errors.answer(NO_VERSION, 400)
    trail.last_seen[jobs.POLLED] = now = timezone.now()
    try:
        current = current_feed.current(ring, node_time=now)
    except UnknownKey:
        return errors.answer({"error": "not_found", "error_description": "This ring does not exist."}, 404)
    headers = {"ETag": f'W/"{current.version}"', "Cache-Control": SHARED}
    if is_current(request, headers["ETag"]):
        # 304 is not counted, because it costs little, and many APIs can share one network address and its limit.
        return HttpResponse(status=304, headers=headers)
    current.require_signer()  # a 503 is not counted, either
    if answer := _too_many(request, "revocations"):
        return answer
    document = current.document(since, node_time=now)
    headers["ETag"] = f'W/"{document.edition.version}"'
    return HttpResponse(document.body, content_type=feed.MEDIA_TYPE, headers=headers)


@public
def segment(request: HttpRequest, digest: str, ring: str = DEFAULT_RING) -> HttpResponse:  # noqa: ARG001
    """Return the segment with this digest, or 404. A segment is a part of the feed: the entries of several versions.

    Segments are the same for every key ring.
    """
    headers = {"ETag": f'"{digest}"', "Cache-Control": IMMUTABLE}
    if answer := _too_many(request, "segments"):
        return answer
    body = Segment.objects.filter(pk=digest).values_list("body", flat=True).first()
    if body is None:
        return errors.answer({"error": "not_found", "error_description": "This segment does not exist."}, 404)
    if is_current(request, headers["ETag"]):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(bytes(body), content_type="application/octet-stream", headers=headers)


def _since(request: HttpRequest) -> Version | None:
    """Return the version in the parameter `since`, or None if it is missing.

    Raises ValueError if `since` is malformed or repeated.
    """
    try:
        values = request.GET.getlist("since")
    except TooManyFieldsSent:
        raise ValueError("parameters") from None
    if not values:
        return None
    match = VERSION.fullmatch(values[0])
    if match is None or len(values) > 1:
        raise ValueError("since")
    return Version(int(match["number"]), match["tag"])


def _too_many(request: HttpRequest, limit: str) -> HttpResponse | None:
    """Count the request. Return 429 if the sender's address exceeds the rate limit named `limit`, else None.

    Also returns None if the shared cache does not answer.
    """
    try:
        count(request, limit, (), issuer().rate_limits[limit], subject="api:unknown")
    except TooMany as error:
        return errors.too_many(error.retry_after)
    except NotCounted:
        return None
    return None
