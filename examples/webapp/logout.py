"""The end of a session: what the application was given is taken back, and the user is logged out at the issuer, too.

The session is a cookie, and a copy of it cannot be forgotten: it is worthless because the issuer revokes what is in it.
"""

from urllib.parse import urlencode

from authlib.integrations.requests_client import OAuth2Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from examples.webapp import settings
from examples.webapp.login import FAILURES, oauth

TIMEOUT = 5  # seconds


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Revoke the token, forget the session, and go on to the issuer; without an answer of its, say so."""
    token = request.session.get("refresh_token") or request.session.get("access_token")
    if token is None:
        return redirect("home")
    try:
        metadata = oauth.issuer.load_server_metadata()
        revoke(token, metadata["revocation_endpoint"])
        onwards = logout_at_issuer(metadata["end_session_endpoint"], request.session.get("id_token"))
    except FAILURES:
        request.session.flush()
        return render(request, "webapp/logged_out.html")
    request.session.flush()
    return redirect(onwards)


def revoke(token: str, endpoint: str) -> None:
    """Take back the token (RFC 7009 section 2.1): a refresh token ends the access tokens of its grant as well."""
    with OAuth2Session(settings.CLIENT_ID, settings.CLIENT_SECRET) as session:
        session.revoke_token(endpoint, token, timeout=TIMEOUT).raise_for_status()


def logout_at_issuer(endpoint: str, id_token: str | None) -> str:
    """Where the issuer logs the user out and sends them back (RP-Initiated Logout 1.0 section 2).

    It asks the user first where the ID token does not show that the request is theirs.
    """
    known = {"id_token_hint": id_token} if id_token else {"client_id": settings.CLIENT_ID}
    return f"{endpoint}?{urlencode({**known, 'post_logout_redirect_uri': f'{settings.WEBAPP_URL}/'})}"
