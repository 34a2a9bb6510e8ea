"""Makes the authorization endpoint's pages: the consent page, and errors that must not go to a redirect URI."""

from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.functional import Promise

from tokens.authorize import consent, consent_text, display_proof
from tokens.authorize.request import AuthorizationRequest
from tokens.issued.login import Login
from tokens.views import failures
from tokens.views.pages import HEADERS


class ConsentForm(forms.Form):
    """The consent form. Its field `shown` proves that the request was displayed to this user in this login."""

    shown = forms.CharField(widget=forms.HiddenInput)


def question(
    request: HttpRequest, query: str, authorization: AuthorizationRequest, login: Login, *, now: datetime
) -> HttpResponse:
    """Return the page that asks the user whether the client may get the scopes of `authorization`.

    `query` is the query of the authorization request as the client sent it. `login` is the user's login. `now` is the
    database's clock.
    """
    proof = display_proof.create(display_proof.content(authorization, query), str(request.user.pk), login, now=now)
    context: dict[str, object] = {
        "client": authorization.client,
        "self_registered": consent_text.self_registered(authorization.client),
        "destination": consent_text.destination(authorization.redirect_uri),
        "api": authorization.target.api,
        "scopes": consent_text.describe_scopes(authorization.target.scopes),
        "claims": consent_text.describe_claims(consent.further_claims(authorization)),
        "form": ConsentForm(initial={"shown": proof}),
        "error": None,
    }
    return _page(request, context)


def error_page(request: HttpRequest, error: str | Promise, *, code: str) -> HttpResponse:
    """Return 400 with a page that names the error and has no links. `code` is the error code of RFC 6749."""
    context: dict[str, object] = {"client": None, "api": None, "scopes": [], "form": None, "error": error}
    with translation.override("en"):  # for developers
        why = f"{code}: {error}"
    # Only a Promise is translated. Other descriptions of errors are English, because they are for developers.
    context["is_english"] = not isinstance(error, Promise)
    context |= {"why": why, "request_id": failures.request_id(request)}
    return _page(request, context, status=400)


def _page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    response = render(request, "tokens/consent.html", context, status=status)
    for (
        name,
        value,
    ) in HEADERS.items():  # no caching, and no framing against clickjacking (RFC 6749 section 10.13)
        response.headers[name] = value
    return response
