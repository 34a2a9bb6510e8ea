"""/oauth/authorize: asks the user whether a client may have what it asks for (RFC 6749 section 4.1.1)."""

from datetime import datetime

from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from tokens import audit, conf, rate_limit
from tokens.errors import OAuthError
from tokens.keys import signing
from tokens.oauth import authorization_code, authorization_response, consent, login_again, login_session, parameters
from tokens.oauth.authorization_request import AuthorizationRequest
from tokens.oauth.backend import backend
from tokens.oauth.grant_record import SessionEnded
from tokens.oauth.login_session import Login
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import HEADERS, login_address


class ConsentForm(forms.Form):
    """The proof that this very request was shown to this very user."""

    shown = forms.CharField(widget=forms.HiddenInput)


@method_decorator([page_if_not_ready, csrf_exempt], name="dispatch")
class AuthorizeView(View):
    """The request stands in the address, on the consent page's answer as well: nothing of it is taken from the form."""

    http_method_names = ["get", "post"]  # no HEAD: it would make a code that nobody reads

    def get(self, request: HttpRequest) -> HttpResponse:
        """Log the user in where that is needed, ask, or answer at once where nothing is to be asked."""
        try:
            asked = backend().authorization(request)
        except OAuth2Error as error:
            return refuse(request, error)
        user, login = request.user, login_session.current(request)
        if login is None or not user.is_authenticated or consent.is_another(asked, user):
            return self._log_in(request, asked)
        now = signing.clock(now=timezone.now())
        if consent.needs_login(asked, query(request), login, now=now):
            return self._log_in(request, asked)
        if not consent.has_level(asked, login):
            unmet = OAuthError("unmet_authentication_requirements", "No login here is of a class that was asked for.")
            return send(request, asked, unmet)
        if not consent.is_needed(asked, user):
            return self._allow(request, asked, login, now=now)
        if "none" in asked.prompt:
            return send(request, asked, OAuthError("consent_required", "The user has to be asked."))
        return ask(request, asked, login, now=now)

    def post(self, request: HttpRequest) -> HttpResponse:
        """The user's answer; or an authorization request sent as a form (OpenID Connect Core section 3.1.2.1)."""
        if "client_id" in request.POST:
            pairs = [(name, value) for name in request.POST for value in request.POST.getlist(name)]
            known = [(name, value) for name, value in pairs if name in parameters.AUTHORIZATION]
            return see_other(f"{request.path}?{urlencode(known)}")
        return csrf_protect(self._answer)(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            asked = backend().authorization(request)
        except OAuth2Error as error:
            return refuse(request, error)
        user, login = request.user, login_session.current(request)
        if login is None or not user.is_authenticated or consent.is_another(asked, user):
            return see_other(request.get_full_path())
        now = signing.clock(now=timezone.now())
        if not consent.was_shown(request.POST.get("shown", ""), query(request), str(user.pk), login, now=now):
            return see_other(request.get_full_path())
        if request.POST.get("allow") != "true":
            return send(request, asked, OAuthError("access_denied", "The user refused."), action="consent.refused")
        return self._allow(request, asked, login, now=now, is_answer=True)

    def _allow(
        self, request: HttpRequest, asked: AuthorizationRequest, login: Login, *, now: datetime, is_answer: bool = False
    ) -> HttpResponse:
        assert request.user.is_authenticated  # noqa: S101 (login_session.current knows no other)
        try:
            with transaction.atomic():
                code = authorization_code.create(asked, request.user, login, now=now)
                if is_answer:
                    consent.remember(asked, request.user, now=now)
        except OAuthError as error:
            return send(request, asked, error)
        except SessionEnded:  # to the login, and back to the same request
            return see_other(request.get_full_path())
        except IntegrityError:  # the client went while the user answered
            return send(request, asked, OAuthError("access_denied", "The client is not there any more."))
        if is_answer:
            note(request, "consent.given", asked.client.client_id)
        scope = " ".join(asked.target.scopes)
        note(request, "code.issued", asked.client.client_id, aud=asked.target.audience, scope=scope)
        return redirect(request, authorization_response.success(asked, code, issuer=conf.issuer().url))

    def _log_in(self, request: HttpRequest, asked: AuthorizationRequest) -> HttpResponse:
        if "none" in asked.prompt:
            return send(request, asked, OAuthError("login_required", "The user has to log in."))
        return redirect(request, login_page(request, asked.login_hint))


def ask(request: HttpRequest, asked: AuthorizationRequest, login: Login, *, now: datetime) -> HttpResponse:
    """The consent page."""
    context: dict[str, object] = {
        "client": asked.client,
        "api": asked.target.api,
        "scopes": consent.described(asked.target.scopes),
        "form": ConsentForm(initial={"shown": consent.shown(query(request), str(request.user.pk), login, now=now)}),
        "error": None,
    }
    return page(request, context)


def refuse(request: HttpRequest, error: OAuth2Error) -> HttpResponse:
    """The error, at the client where it may be sent there, and on a page of ours where it may not (section 4.1.2.1).

    Whoever follows a link to the issuer is not led on before they have logged in (RFC 9700 section 4.11.2).
    """
    if error.redirect_uri and not authorization_response.is_fatal(error):
        if login_session.current(request) is None and not is_silent(request):
            return redirect(request, login_page(request))
        note(request, "authorization.refused", error.client_id, error=error.error, reason=error.description)
        uri = authorization_response.failure(error, error.redirect_uri, error.state, issuer=conf.issuer().url)
        return redirect(request, uri)
    note(request, "authorization.refused", error.client_id, error=error.error, reason=error.description)
    context: dict[str, object] = {
        "client": None,
        "api": None,
        "scopes": [],
        "form": None,
        "error": error.description or error.error,
    }
    return page(request, context, status=400)


def page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    """Our page, which no other site may frame and no cache keeps."""
    response = render(request, "tokens/consent.html", context, status=status)
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


def send(
    request: HttpRequest, asked: AuthorizationRequest, error: OAuth2Error, *, action: str = "authorization.refused"
) -> HttpResponse:
    """The error as the answer to a valid request; `action` is what the audit log calls it."""
    note(request, action, asked.client.client_id, error=error.error, reason=error.description)
    uri = authorization_response.failure(error, asked.redirect_uri, asked.state, issuer=conf.issuer().url)
    return redirect(request, uri)


def login_page(request: HttpRequest, login_hint: str | None = None) -> str:
    """The address of the login page, which leads back to this request."""
    again = login_again.ask(query(request), now=timezone.now())
    return login_address(f"{request.path}?{again}", login_hint)


def is_silent(request: HttpRequest) -> bool:
    """Whether the request, which may be wrong otherwise, wants no page (OpenID Connect Core section 3.1.2.1)."""
    return any("none" in value.split() for value in request.GET.getlist("prompt"))


def note(request: HttpRequest, action: str, client_id: str | None, **details: str | None) -> None:
    """A line of the audit log: what became of the request, for whom, with nothing that it brought."""
    who = request.user.get_username() if request.user.is_authenticated else "unknown"
    audit.log(
        action,
        actor=f"user:{who}",
        subject=f"client:{client_id or 'unknown'}",
        details={**details, "address": rate_limit.address(request)},
        now=timezone.now(),
    )


def redirect(request: HttpRequest, uri: str) -> HttpResponse:
    """To `uri`, which was checked: 303 after a form, so that no browser sends it on (RFC 9700 section 4.12)."""
    return HttpResponse(status=302 if request.method == "GET" else 303, headers={**HEADERS, "Location": uri})


def see_other(uri: str) -> HttpResponse:
    """To `uri` by GET."""
    return HttpResponse(status=303, headers={**HEADERS, "Location": uri})


def query(request: HttpRequest) -> str:
    """The authorization request as it stands in the address."""
    return str(request.META.get("QUERY_STRING", ""))
