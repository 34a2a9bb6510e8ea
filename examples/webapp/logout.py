"""Log out: revoke the application's tokens, end its session, and log the user out at the issuer.

The session is a signed cookie that contains the tokens. The application cannot delete a copy of the cookie. But APIs
refuse the tokens in a copy after the revocation.
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
    """Revoke the tokens, end the application's session, and redirect the user to the issuer.

    If the issuer does not answer, end only the application's session, and show a page.
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
    """Revoke a token at the revocation endpoint `endpoint` (RFC 7009 section 2.1).

    If the token is a refresh token, the issuer also revokes the access tokens of its grant. Raises an exception of
    `requests` if the issuer refuses, or does not answer.
    """
    with OAuth2Session(settings.CLIENT_ID, settings.CLIENT_SECRET, hooks=HOOKS) as session:
        session.revoke_token(endpoint, token, timeout=TIMEOUT).raise_for_status()


def logout_at_issuer(endpoint: str, id_token: str | None) -> str:
    """Return the URL of a logout request to the issuer's `endpoint` (RP-Initiated Logout 1.0 section 2).

    The issuer redirects the user back after the logout. If `id_token` is None, or is not of the user's current login,
    the issuer first asks the user for confirmation.
    """
    hint = {"id_token_hint": id_token} if id_token else {"client_id": settings.CLIENT_ID}
    return f"{endpoint}?{urlencode({**hint, 'post_logout_redirect_uri': f'{settings.WEBAPP_URL}/'})}"
