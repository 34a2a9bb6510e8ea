"""/brand/: the stylesheet and the logo of the operator, for the issuer's pages.

The colours are a separate stylesheet, because the pages' Content-Security-Policy forbids inline styles.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tokens import conf
from tokens.settings.brand import entity_tag
from tokens.views.pages import POLICY_HEADER
from tokens.views.public_document import is_current

CACHED = "public, max-age=3600"
# With this policy, an SVG image that a browser opens as a page can use its own styles, but runs no script.
LOGO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@require_safe
def stylesheet(request: HttpRequest) -> HttpResponse:
    """Return the operator's colours as CSS, or 404 if the operator set no colour."""
    text = conf.issuer().brand.stylesheet
    if not text:
        raise Http404
    return _answer(request, text.encode(), "text/css; charset=utf-8", entity_tag(text.encode()))


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """Return the operator's logo, or 404 if the operator set no logo."""
    own = conf.issuer().brand.logo
    if own is None:
        raise Http404
    response = _answer(request, own.body, own.media_type, own.tag)
    response.headers[POLICY_HEADER] = LOGO_POLICY
    return response


def _answer(request: HttpRequest, body: bytes, media_type: str, tag: str) -> HttpResponse:
    """Return `body`, or 304 if the browser has the body with the entity tag `tag`."""
    headers = {"ETag": tag, "Cache-Control": CACHED}
    if is_current(request, tag):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(body, content_type=media_type, headers=headers)
