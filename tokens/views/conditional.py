"""Conditional requests: recognize a reader that already has the current answer (RFC 9110 section 13.1.2)."""

from django.http import HttpRequest
from django.utils.http import parse_etags


def is_current(request: HttpRequest, tag: str) -> bool:
    """Return True if If-None-Match contains `tag`, or `*`. The comparison is weak: it ignores the prefix `W/`."""
    # Not Django's `get_conditional_response`: it answers 412 to If-Unmodified-Since, which a server must ignore if the
    # resource has no modification date (section 13.1.4).
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in tags or _opaque(tag) in map(_opaque, tags)


def _opaque(tag: str) -> str:
    """Return the tag without `W/`."""
    return tag.removeprefix("W/")
