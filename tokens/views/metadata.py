"""Serves the issuer's metadata at the well-known addresses (RFC 8414, OpenID Connect Discovery 1.0)."""

import json
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens import conf
from tokens.metadata import catalog
from tokens.metadata.catalog import Registered
from tokens.metadata.document import document
from tokens.settings.issuer import IssuerSettings
from tokens.views.cors import public
from tokens.views.not_ready import json_if_not_ready
from tokens.views.public_document import PublicDocument

UNAVAILABLE = "The metadata is not available at the moment."


@dataclass(frozen=True, slots=True)
class _Memory:
    """The last metadata document, and the values from which it was made: settings, scopes, APIs and algorithms."""

    settings: IssuerSettings | None = None
    listed: tuple[tuple[str, ...], ...] = ()
    document: PublicDocument | None = None


_memory = _Memory()
"""The last document of this process. Lives as long as the process."""


@public
@json_if_not_ready(description=UNAVAILABLE)
def metadata(request: HttpRequest) -> HttpResponse:
    """Return the metadata document for OAuth and OpenID Connect clients. Caches may keep it for five minutes.

    Answers 503 and `no-store` if this process's last successful read of the database is older than the timing
    `snapshot_age` (docs/key-rotation.md).
    """
    catalogue = catalog.registered(now=timezone.now())
    return _document(conf.issuer(), catalogue).answer(request, {"Cache-Control": "public, max-age=300"})


def _document(settings: IssuerSettings, catalogue: Registered) -> PublicDocument:
    """Return the metadata document that lists the scopes, APIs and algorithms in `catalogue`.

    Reuses the last document if it was made from the same settings, scopes, APIs and algorithms.
    """
    global _memory  # noqa: PLW0603 (replaced as a whole, so that no thread sees a part of it)
    memory, listed = _memory, (catalogue.scopes, catalogue.apis, catalogue.algorithms)
    if memory.document is not None and memory.settings is settings and memory.listed == listed:
        return memory.document
    content = document(
        settings.url,
        scopes=catalogue.scopes,
        apis=catalogue.apis,
        algorithms=catalogue.algorithms,
        open_clients=settings.open_clients,
        must_be_pushed=settings.requests.must_be_pushed,
    )
    content["ui_locales_supported"] = list(settings.languages)
    public_document = PublicDocument.of(json.dumps(content).encode(), "application/json")
    _memory = _Memory(settings, listed, public_document)
    return public_document
