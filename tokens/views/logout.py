"""/oauth/logout: a client sends its user here to log out (OpenID Connect RP-Initiated Logout 1.0).

- If the request has an ID token of this session's login, the user is logged out at once.
- Otherwise a logged-in user is asked first, because any site could send the request.
- Afterwards the browser goes to a post-logout redirect URI of the client, or to a page of the issuer.
"""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from tokens import parameters
from tokens.authorize import login_session, response
from tokens.authorize import logout as core
from tokens.authorize.logout import LogoutRequest, RefusedLogout
from tokens.views import failures, ui_locales
from tokens.views.pages import private

CONFIRMED = "log_out"


@private
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def rp_initiated_logout(request: HttpRequest) -> HttpResponseBase:
    """Log out the user if the request has an ID token of this session's login, else ask the user first.

    If no user is logged in, responds as after a logout.
    """
    if request.method == "POST" and CONFIRMED in request.POST:
        return csrf_protect(_confirmed)(request)
    sent = request.POST if request.method == "POST" else request.GET
    ui_locales.follow(request, sent.urlencode())
    try:
        logout_request = _read(sent)
    except RefusedLogout as error:
        return _refuse(request, error)
    user = request.user
    if user.is_authenticated and logout_request.is_about(str(user.sub), login_session.current(request)):
        return _end_browser_session(request, logout_request)
    # A request by POST is redirected to an address with its parameters, to which the question's form is posted. A form
    # of another site also comes without the session's cookie (SameSite=Lax). The browser sends it with the redirect.
    if request.method == "POST":
        declared = [(name, value) for name in sent if name in core.PARAMETERS for value in sent.getlist(name)]
        return HttpResponse(status=303, headers={"Location": f"{request.path}?{urlencode(declared)}"})
    if not user.is_authenticated:
        return _leave(request, logout_request)
    return _page(request, {"client": logout_request.client})


def _confirmed(request: HttpRequest) -> HttpResponse:
    """Log out the user, who confirmed the logout on the page. The query of the URL has the logout request."""
    ui_locales.follow(request, request.GET.urlencode())
    try:
        logout_request = _read(request.GET)
    except RefusedLogout as error:
        return _refuse(request, error)
    if not request.user.is_authenticated:
        return _leave(request, logout_request)
    return _end_browser_session(request, logout_request)


def _read(sent: QueryDict) -> LogoutRequest:
    """Return the valid logout request. Raises RefusedLogout if it is invalid."""
    pairs = parameters.present(sent, core.PARAMETERS)
    if parameters.garbled(pairs):
        raise RefusedLogout("The request contains a control character.")
    if name := parameters.repeated(pairs):
        raise RefusedLogout(f"The parameter {name} occurs more than once.")
    return core.read(pairs)


def _end_browser_session(request: HttpRequest, logout_request: LogoutRequest) -> HttpResponse:
    """End the browser's session. Then redirect to the post-logout redirect URI, or show the logout page."""
    login_session.log_out(request)
    return _leave(request, logout_request)


def _leave(request: HttpRequest, logout_request: LogoutRequest) -> HttpResponse:
    """Redirect to the requested post-logout redirect URI, or show the page that says that the user is logged out."""
    if logout_request.redirect_uri is None:
        return _page(request, {"done": True})
    target = response.with_parameters(logout_request.redirect_uri, {"state": logout_request.state})
    return HttpResponse(status=303, headers={"Location": target})


def _refuse(request: HttpRequest, error: RefusedLogout) -> HttpResponse:
    """Return the page for an invalid logout request."""
    why, request_id = f"invalid_request: {error}", failures.request_id(request)
    return _page(request, {"error": str(error), "why": why, "request_id": request_id}, status=400)


def _page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    """Return the logout page with the template variables `context`."""
    return render(request, "tokens/logout.html", context, status=status)
