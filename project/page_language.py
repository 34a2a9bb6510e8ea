"""Choose the language of a page. It is the browser's first preference among the languages that the operator offers.

- The browser's preference is the header Accept-Language (RFC 9110 section 12.5.4).
- Only a request that accepts HTML has a language. Answers of endpoints for programs are English, and do not vary.
- `request.LANGUAGE_CODE` is the language. A view may activate another language (tokens/views/ui_locales.py).
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from tokens import conf, languages

HTML = "text/html"
Answer = Callable[[HttpRequest], HttpResponseBase]


def page_language(answer: Answer) -> Answer:
    """Return a middleware that serves each page in the language of the browser."""

    def in_language(request: HttpRequest) -> HttpResponseBase:
        if HTML not in request.headers.get("Accept", ""):
            return answer(request)
        request.LANGUAGE_CODE = chosen(request)
        with translation.override(request.LANGUAGE_CODE):
            response = answer(request)
            if response.headers.get("Content-Type", "").startswith(HTML):
                response.headers["Content-Language"] = translation.get_language() or languages.LANGUAGES[0]
                patch_vary_headers(response, ["Accept-Language"])
        return response

    return in_language


def chosen(request: HttpRequest) -> str:
    """Return the first preference of the browser among the languages that the operator offers.

    Returns the first offered language if the browser accepts none of them.
    """
    offered = conf.issuer().languages
    header = request.headers.get("Accept-Language", "").lower()
    accepted = (tag for tag, quality in parse_accept_lang_header(header) if quality)
    return languages.preferred(accepted, offered) or offered[0]
