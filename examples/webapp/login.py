"""Step 2. Through an application, the user asks for something that lives elsewhere: it sends them to the issuer.

Authlib does the protocol: state, nonce, PKCE, the code's redemption and the id_token. What it does not do is look at
`iss` in the answer (RFC 9207), which tells apart the issuers of an application that has several: that is done here.
"""

import time
from collections.abc import Mapping
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import OAuth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from requests import RequestException

from examples.webapp import settings

SCOPE = "openid notes:read notes:write offline_access"
LONGEST_HINT = 1500  # characters of an ID token that a cookie has room for beside the rest
EARLY = 5  # seconds before an access token ends, another one is fetched
FAILURES = (OAuthError, RequestException, RuntimeError, ValueError, KeyError)
"""What Authlib raises when the issuer is away, or answers what it should not."""

oauth = OAuth()
oauth.register(
    "issuer",
    client_id=settings.CLIENT_ID,
    client_secret=settings.CLIENT_SECRET,
    server_metadata_url=f"{settings.ISSUER_URL}/.well-known/openid-configuration",
    client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "timeout": 5},
)


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Send the user to the issuer, which asks who they are and whether they agree."""
    try:
        answer: HttpResponse = oauth.issuer.authorize_redirect(
            request, f"{settings.WEBAPP_URL}/callback", resource=settings.API_AUDIENCE
        )
    except FAILURES as error:
        return failure(request, "The issuer cannot be reached", error, status=502)
    return answer


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """Take the user back: check who answers, trade the code for a token, and keep that in the session."""
    if request.GET.get("iss") != settings.ISSUER_URL:
        return failure(request, "The answer is not from our issuer", None, status=400)
    try:
        token = oauth.issuer.authorize_access_token(request, resource=settings.API_AUDIENCE)
    except FAILURES as error:
        return failure(request, "The login did not succeed", error, status=400)
    request.session.cycle_key()
    keep(request, token)
    return redirect("home")


def keep(request: HttpRequest, token: Mapping[str, Any]) -> None:
    """Keep the tokens, and when the access token ends; a refresh or ID token that is not answered anew stays."""
    request.session["access_token"] = token["access_token"]
    request.session["expires_at"] = time.time() + float(token.get("expires_in", 300))
    request.session["refresh_token"] = token.get("refresh_token") or request.session.get("refresh_token")
    id_token = token.get("id_token") or request.session.get("id_token")
    request.session["id_token"] = id_token if id_token and len(id_token) <= LONGEST_HINT else None


def access_token(request: HttpRequest) -> str | None:
    """A token that still lives, refreshed where it is about to end; None where the user has to log in again."""
    if time.time() < request.session.get("expires_at", 0) - EARLY:
        return str(request.session["access_token"])
    refresh_token = request.session.get("refresh_token")
    if refresh_token is None:
        return None
    try:
        issued = oauth.issuer.fetch_access_token(grant_type="refresh_token", refresh_token=refresh_token)
    except FAILURES:
        request.session.flush()
        return None
    keep(request, issued)
    return str(issued["access_token"])


def failure(request: HttpRequest, what: str, error: Exception | None, *, status: int) -> HttpResponse:
    """A page that says what went wrong, in words that hold neither a token nor a code."""
    why = (error.description or error.error) if isinstance(error, OAuthError) else type(error).__name__ if error else ""
    return render(request, "webapp/failure.html", {"what": what, "why": why}, status=status)
