"""Serves the JWKS of each key ring (a set of signing keys): the public halves of the keys (RFC 7517 section 5)."""

import json

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens.background import refresher
from tokens.keys import keyring, publication
from tokens.keys.errors import UnknownKey
from tokens.keys.publication import PublicKey
from tokens.keys.refresher import RINGS
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.views.cors import public
from tokens.views.not_ready import json_if_not_ready
from tokens.views.public_document import PublicDocument

UNAVAILABLE = "The keys are not available at the moment."
_documents: dict[str, tuple[tuple[PublicKey, ...], PublicDocument]] = {}
"""The last JWKS of each ring, with its keys. Lives as long as the process, and has one entry for each ring at most."""


@public
@json_if_not_ready(description=UNAVAILABLE)
def jwks(request: HttpRequest, ring: str = DEFAULT_RING) -> HttpResponse:
    """Return the published keys of the key ring `ring`, 404 for an unknown ring, or 503 if no key can be published."""
    # Checked against the names that this process has read. Invented names would otherwise occupy threads in an outage.
    node_time = timezone.now()
    if refresher.is_unknown(RINGS, ring, now=node_time):
        return unknown()
    try:
        # Raises NotReady. An empty JWKS is no answer, because an API that caches it would refuse every token.
        keys, max_age = publication.jwks_and_age(ring, now=keyring.carried_clock(now=node_time))
    except UnknownKey:
        return unknown()
    return _document(ring, keys).answer(request, {"Cache-Control": f"public, max-age={max_age}, must-revalidate"})


def _document(ring: str, keys: tuple[PublicKey, ...]) -> PublicDocument:
    """Return the JWKS of these keys. Reuses the last JWKS of the key ring if it has the same keys."""
    last = _documents.get(ring)
    if last is not None and last[0] == keys:
        return last[1]
    body = json.dumps({"keys": [key.jwk for key in keys]}, separators=(",", ":")).encode()
    document = PublicDocument.of(body, "application/jwk-set+json")
    _documents[ring] = keys, document
    return document


def unknown() -> HttpResponse:
    """Return 404 for a key ring that does not exist."""
    return HttpResponse("There is no such ring.\n", status=404, content_type="text/plain")
