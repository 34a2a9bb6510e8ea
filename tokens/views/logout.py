"""/oauth/logout: an application's user logs out here, too (OpenID Connect RP-Initiated Logout 1.0)."""

from urllib.parse import urlencode

from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from tokens import parameters
from tokens.authorize import login_session, response
from tokens.authorize import logout as core
from tokens.authorize.logout import LogoutRequest, RefusedLogout
from tokens.errors import OAuthError
from tokens.views.pages import private

CONFIRMED = "log_out"


@private
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def logout(request: HttpRequest) -> HttpResponseBase:
    """Log out at once for whoever shows the ID token of this very session, and ask everybody else first."""
    if request.method == "POST" and CONFIRMED in request.POST:
        return csrf_protect(_confirmed)(request)
    sent = request.POST if request.method == "POST" else request.GET
    try:
        asked = _read(sent)
    except RefusedLogout as error:
        return _page(request, {"error": str(error)}, status=400)
    if request.user.is_authenticated and asked.is_about(str(request.user.sub), login_session.current(request)):
        return _log_out(request, asked)
    # The page that asks stands under its address, for the answer to come back to; and another site's form comes without
    # the session's cookie, which its address brings.
    if request.method == "POST":
        known = [(name, value) for name in sent if name in core.PARAMETERS for value in sent.getlist(name)]
        return HttpResponse(status=303, headers={"Location": f"{request.path}?{urlencode(known)}"})
    return _page(request, {"client": asked.client}) if request.user.is_authenticated else _leave(request, asked)


def _confirmed(request: HttpRequest) -> HttpResponse:
    """The user agreed; what they agreed to stands in the address of the page."""
    try:
        asked = _read(request.GET)
    except RefusedLogout as error:
        return _page(request, {"error": str(error)}, status=400)
    return _log_out(request, asked) if request.user.is_authenticated else _leave(request, asked)


def _read(sent: QueryDict) -> LogoutRequest:
    try:
        pairs = parameters.declared(sent, core.PARAMETERS)
    except OAuthError as error:
        raise RefusedLogout("The request holds a control character.") from error
    if name := parameters.repeated(pairs):
        raise RefusedLogout(f"The parameter {name} is there more than once.")
    return core.read(pairs)


def _log_out(request: HttpRequest, asked: LogoutRequest) -> HttpResponse:
    end_session(request)
    return _leave(request, asked)


def _leave(request: HttpRequest, asked: LogoutRequest) -> HttpResponse:
    if asked.redirect_uri is None:
        return _page(request, {"done": True})
    target = response.with_parameters(asked.redirect_uri, {"state": asked.state})
    return HttpResponse(status=303, headers={"Location": target})


def _page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    return render(request, "tokens/logout.html", context, status=status)
