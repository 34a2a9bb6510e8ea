"""The JWKS: the public halves of the signing keys (RFC 7517 section 5)."""

import hashlib
import json

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import quote_etag

from tokens import errors
from tokens.background import refresher
from tokens.keys import keyring, publication
from tokens.keys.errors import NotReady, UnknownKey
from tokens.keys.refresher import RINGS
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.views.conditional import is_current
from tokens.views.cors import public


@public
def jwks(request: HttpRequest, ring: str = DEFAULT_RING) -> HttpResponse:
    """Return the ring's published keys; 404 if there is no such ring, 503 if it has no key."""
    # By the names that this process has read: else invented names would occupy threads during an outage.
    if refresher.is_unknown(RINGS, ring, now=timezone.now()):
        return unknown()
    try:
        now = keyring.carried_clock(now=timezone.now())
        keys, max_age = publication.jwks(ring, now=now), publication.shared_cache(ring, now=now)
    except UnknownKey:
        return unknown()
    except NotReady as error:
        # Not an empty set: an API that caches it would refuse every token.
        headers = {"Retry-After": str(error.retry_after), "Cache-Control": "no-store"}
        response = HttpResponse(f"{error}\n", status=503, content_type="text/plain", headers=headers)
        return errors.because(response, str(error))
    body = json.dumps({"keys": [key.jwk for key in keys]}, separators=(",", ":")).encode()
    headers = {
        "ETag": quote_etag(hashlib.sha256(body).hexdigest()),
        "Cache-Control": f"public, max-age={max_age}, must-revalidate",
    }
    if is_current(request, headers["ETag"]):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(body, content_type="application/jwk-set+json", headers=headers)


def unknown() -> HttpResponse:
    """Return 404, for a ring that does not exist."""
    return HttpResponse("There is no such ring.\n", status=404, content_type="text/plain")
