"""Step 2. The user asks the application for data of an API, and the application redirects the user to the issuer.

Authlib implements the protocol: state, nonce, PKCE, redemption of the code, and the ID token. Authlib does not check
the `iss` of the authorization response (RFC 9207), so `callback` does. This check prevents mix-up attacks if a client
uses several issuers.
"""

import time
from collections.abc import Mapping
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import OAuth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe
from requests import RequestException

from examples.webapp import ended_sessions, settings
from examples.webapp.hooks import HOOKS
from examples.webapp.tracing import TracedApp

SCOPE = "openid notes:read notes:write offline_access"
LONGEST_HINT = 1500  # characters; a longer ID token does not fit into the cookie with the rest
EARLY = 5  # seconds before its expiry, an access token is refreshed
FAILURES = (OAuthError, RequestException, RuntimeError, ValueError, KeyError)
"""Authlib raises these if the issuer does not answer, or answers with an error or a malformed response."""

oauth = OAuth()
oauth.register(
    "issuer",
    client_cls=TracedApp,
    client_id=settings.CLIENT_ID,
    client_secret=settings.CLIENT_SECRET,
    server_metadata_url=f"{settings.ISSUER_URL}/.well-known/openid-configuration",
    client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "timeout": 5, "hooks": HOOKS},
)


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Redirect the user to the issuer, which authenticates the user and asks for consent."""
    return to_issuer(request)


def to_issuer(request: HttpRequest, *, acr_values: str = "", back: str = "home") -> HttpResponse:
    """Redirect the user to the issuer. After the login, `callback` redirects the user to the view named `back`.

    `acr_values` are the `acr` values that the API accepts, separated by spaces (RFC 9470 section 4).
    Shows an error page if the issuer does not answer.
    """
    request.session["back"] = back
    further = {"acr_values": acr_values} if acr_values else {}
    try:
        answer: HttpResponse = oauth.issuer.authorize_redirect(
            request, f"{settings.WEBAPP_URL}/callback", resource=settings.API_AUDIENCE, **further
        )
    except FAILURES as error:
        return failure(request, gettext("The issuer cannot be reached"), error, status=502)
    return answer


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """Handle the authorization response: check `iss`, redeem the code, and store the tokens in the session."""
    if request.GET.get("iss") != settings.ISSUER_URL:
        return failure(request, gettext("The response does not come from our issuer"), None, status=400)
    try:
        token = oauth.issuer.authorize_access_token(request, resource=settings.API_AUDIENCE)
    except FAILURES as error:
        return failure(request, gettext("The login failed"), error, status=400)
    request.session.cycle_key()
    request.session["sid"] = token["userinfo"].get("sid")
    keep(request, token)
    return redirect(request.session.pop("back", "home"))


def keep(request: HttpRequest, token: Mapping[str, Any]) -> None:
    """Store the tokens of a token response in the session, with the time at which the access token expires.

    If the response has no refresh token or no ID token, the token that is already in the session is kept.
    An ID token that is too long for the cookie of the session is not stored.
    """
    request.session["access_token"] = token["access_token"]
    request.session["expires_at"] = time.time() + float(token.get("expires_in", 300))
    request.session["refresh_token"] = token.get("refresh_token") or request.session.get("refresh_token")
    id_token = token.get("id_token") or request.session.get("id_token")
    request.session["id_token"] = id_token if id_token and len(id_token) <= LONGEST_HINT else None


def access_token(request: HttpRequest) -> str | None:
    """Return the access token of the session. Refresh it first if it has expired or is about to expire.

    If the issuer has ended the user's session, or if the refresh fails, ends the application's session, and returns
    None. Also returns None if the session has neither an access token that is still valid nor a refresh token.
    """
    if ended_sessions.has(request.session.get("sid")):
        request.session.flush()
        return None
    if time.time() < request.session.get("expires_at", 0) - EARLY:
        return str(request.session["access_token"])
    refresh_token = request.session.get("refresh_token")
    if refresh_token is None:
        return None
    try:
        response = oauth.issuer.fetch_access_token(grant_type="refresh_token", refresh_token=refresh_token)
    except FAILURES:
        request.session.flush()
        return None
    keep(request, response)
    return str(response["access_token"])


def failure(request: HttpRequest, title: str, error: Exception | None, *, status: int) -> HttpResponse:
    """Return an HTML page about a failure. `error` is the exception that caused the failure, or None.

    The page contains neither a token nor a code.
    """
    if isinstance(error, OAuthError):
        reason = error.description or error.error
    else:
        reason = type(error).__name__ if error else ""
    return render(request, "webapp/failure.html", {"title": title, "reason": reason}, status=status)
