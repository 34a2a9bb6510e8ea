"""/oauth/revocations: the revocation feed, for APIs to poll."""

from django.http import HttpRequest, HttpResponse

from tokens import errors
from tokens.keys import signing, store
from tokens.keys.errors import NotReady, UnknownKey
from tokens.keys.moves import DEFAULT_RING
from tokens.oauth import revocation_feed
from tokens.views.conditional import is_known
from tokens.views.cors import public


@public
def revocations(request: HttpRequest, ring: str = DEFAULT_RING) -> HttpResponse:
    """The feed, 304 where nothing has changed, 503 where something has and nothing may sign.

    An API on a ring of its own reads the one that its ring signs.
    """
    now = store.database_now()
    lists = revocation_feed.denied(now=now)
    tag = revocation_feed.entity_tag(lists)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = HttpResponse(status=304, headers=headers) if is_known(request, tag) else None
    try:
        signer = signing.feed_signer(ring, now=now)
    except UnknownKey:
        return errors.answer({"error": "not_found", "error_description": "There is no such ring."}, 404)
    except NotReady as error:
        return known or errors.unavailable(error.retry_after, reason=str(error))
    if known:
        return known
    body = revocation_feed.sign(lists, signer=signer, now=now)
    return HttpResponse(body, content_type=revocation_feed.MEDIA_TYPE, headers=headers)
