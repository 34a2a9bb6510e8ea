"""Log out: revoke the application's tokens, end its session, and log the user out at the issuer.

The session is a signed cookie with the tokens in it. The application cannot delete a copy of the cookie, but after the
revocation, the tokens in a copy are useless.
"""

from urllib.parse import urlencode

from authlib.integrations.requests_client import OAuth2Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from examples.webapp import settings
from examples.webapp.hooks import HOOKS
from examples.webapp.login import FAILURES, oauth

TIMEOUT = 5  # seconds


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Revoke the token, end the session, and redirect the user to the issuer.

    Shows a page instead if the issuer does not answer.
    """
    token = request.session.get("refresh_token") or request.session.get("access_token")
    if token is None:
        return redirect("home")
    try:
        metadata = oauth.issuer.load_server_metadata()
        revoke(token, metadata["revocation_endpoint"])
        target = logout_at_issuer(metadata["end_session_endpoint"], request.session.get("id_token"))
    except FAILURES:
        request.session.flush()
        return render(request, "webapp/logged_out.html")
    request.session.flush()
    return redirect(target)


def revoke(token: str, endpoint: str) -> None:
    """Revoke a token at `endpoint` (RFC 7009 section 2.1).

    If it is a refresh token, its access tokens are revoked with it.
    """
    with OAuth2Session(settings.CLIENT_ID, settings.CLIENT_SECRET, hooks=HOOKS) as session:
        session.revoke_token(endpoint, token, timeout=TIMEOUT).raise_for_status()


def logout_at_issuer(endpoint: str, id_token: str | None) -> str:
    """Return the URL at `endpoint` that logs the user out at the issuer (RP-Initiated Logout 1.0 section 2).

    Afterwards, the issuer redirects the user back. Unless the URL has an ID token of the user's current login, the
    issuer asks the user first whether to log out.
    """
    hint = {"id_token_hint": id_token} if id_token else {"client_id": settings.CLIENT_ID}
    return f"{endpoint}?{urlencode({**hint, 'post_logout_redirect_uri': f'{settings.WEBAPP_URL}/'})}"
