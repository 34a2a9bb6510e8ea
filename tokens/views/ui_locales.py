"""The parameter `ui_locales`: the language of the pages of an authorization request (OpenID Connect Core 3.1.2.1).

It is a list of language tags, the preferred first. If the issuer offers none of them, the browser's language is used.
"""

from functools import wraps

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from tokens import conf, languages
from tokens.views import request_store
from tokens.views.pages import View


def follow(request: HttpRequest, query: str) -> None:
    """Activate for this response the language that the parameter `ui_locales` in `query` prefers.

    Does nothing if the issuer offers none of the languages.
    """
    # Without the middleware of the pages, nothing would deactivate the language after the request.
    if not hasattr(request, "LANGUAGE_CODE"):
        return
    tags = request_store.parse(query).get("ui_locales", "").split()
    if language := languages.preferred(tags, conf.issuer().languages):
        translation.activate(language)


def followed(view: View) -> View:
    """Return a view that calls `view` in the language that the waiting authorization request prefers (`ui_locales`).

    A request is waiting if it is stored, and the browser returns to it after the page of `view`. If no request is
    waiting, the language is unchanged.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if hasattr(request, "LANGUAGE_CODE"):
            follow(request, request_store.find_query(request, _target(request).partition("?")[2]) or "")
        return view(request, *args, **kwargs)

    return answer


def _target(request: HttpRequest) -> str:
    """Return the address that the browser opens after this page, or "".

    Reads the form, else the query, else the session of a login that waits for a factor.
    """
    sent = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME)
    return str(sent or (request.session.get(LOGIN_SESSION_KEY) or {}).get("redirect_url") or "")
