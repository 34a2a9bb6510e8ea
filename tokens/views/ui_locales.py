"""Chooses the language of pages by the parameter `ui_locales` of an authorization request (OIDC Core 3.1.2.1).

The parameter is a list of language tags, in order of preference. If the issuer offers none of these languages, the page
is in the language of the browser.
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
    """Use the preferred language in the parameter `ui_locales` of `query` for the rest of this request.

    Changes nothing if `query` lacks the parameter, or if the issuer offers none of the languages.
    """
    # Without the middleware of the pages, nothing would deactivate the language after the request.
    if not hasattr(request, "LANGUAGE_CODE"):
        return
    tags = request_store.parse(query).get("ui_locales", "").split()
    if language := languages.preferred(tags, conf.issuer().languages):
        translation.activate(language)


def followed(view: View) -> View:
    """Return a view that calls `view` in the language that a stored authorization request prefers (`ui_locales`).

    The request is the one to which the browser returns after the page of `view`. If there is no such request, the
    language is unchanged.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if hasattr(request, "LANGUAGE_CODE"):
            follow(request, request_store.find_query(request, _target(request).partition("?")[2]) or "")
        return view(request, *args, **kwargs)

    return answer


def _target(request: HttpRequest) -> str:
    """Return the address that the browser opens after this page, or "" if there is none.

    The address is the parameter `next` of the form, or else of the query. If both lack the parameter and the login
    still needs a second factor, the address is the one that allauth stored in the session with the password step.
    """
    sent = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME)
    return str(sent or (request.session.get(LOGIN_SESSION_KEY) or {}).get("redirect_url") or "")
