"""Conditional requests: whether who asks has the answer already (RFC 9110 section 13.1.2).

Not by Django's `get_conditional_response`: it answers 412 to an If-Unmodified-Since, which is to be ignored where a
resource has no date (section 13.1.4).
"""

from django.http import HttpRequest
from django.utils.http import parse_etags


def is_known(request: HttpRequest, tag: str) -> bool:
    """Whether If-None-Match holds `tag`, by weak comparison: `W/` or not is no difference. `*` holds every tag."""
    asked = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in asked or _opaque(tag) in map(_opaque, asked)


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")
