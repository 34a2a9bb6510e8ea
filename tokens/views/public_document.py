"""Answers requests for public documents, with 304 if the reader has the current one (RFC 9110 section 13.1.2)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags


@dataclass(frozen=True, slots=True)
class PublicDocument:
    """The body of a public document, with its strong entity tag and its media type."""

    body: bytes
    tag: str
    media_type: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> "PublicDocument":
        """Return the document with this body. Its entity tag is the hash of the body."""
        return cls(body, f'"{hashlib.sha256(body).hexdigest()}"', media_type)

    def answer(self, request: HttpRequest, headers: Mapping[str, str]) -> HttpResponse:
        """Return the document with these headers, or 304 if the reader has the current document."""
        own = {"ETag": self.tag, **headers}
        if is_current(request, self.tag):
            unchanged = HttpResponse(status=304, content_type=self.media_type, headers=own)
            # A 304 has no metadata of a body (RFC 9110 section 15.4.5). `del headers[…]` would make a further call.
            unchanged.headers._store.pop("content-type")  # noqa: SLF001
            return unchanged
        return HttpResponse(self.body, content_type=self.media_type, headers=own)


def is_current(request: HttpRequest, tag: str) -> bool:
    """Return True if If-None-Match contains `tag`, or `*`. The comparison is weak: it ignores the prefix `W/`."""
    # Django's `get_conditional_response` is not used, because it answers 412 to If-Unmodified-Since, which a server
    # must ignore if the resource has no modification date (section 13.1.4).
    if_none_match = request.META.get("HTTP_IF_NONE_MATCH")
    if not if_none_match or if_none_match == tag:  # what most readers send
        return bool(if_none_match)
    tags = parse_etags(if_none_match)
    return "*" in tags or _opaque(tag) in map(_opaque, tags)


def _opaque(tag: str) -> str:
    """Return the entity tag without `W/`, which marks a weak tag."""
    return tag.removeprefix("W/")
