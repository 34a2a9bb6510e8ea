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

from tokens import conf, parameters
from tokens.audit import trail
from tokens.authorize import authorization_code, consent, login_session, reauthentication
from tokens.authorize import response as authorization_response
from tokens.authorize.backend import backend
from tokens.authorize.request import AuthorizationRefused, AuthorizationRequest
from tokens.errors import OAuthError
from tokens.issued.login import Login
from tokens.issued.user_grant import SessionEnded
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.limits.rate_limit import NotCounted, TooMany
from tokens.views import duplicate_request, request_store
from tokens.views.limits import NOBODY, count, please_wait
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import HEADERS, login_address
from tokens.views.request_store import Answered, NotKept, Sent

TOO_LONG = f"The authorization request is longer than {request_store.LONGEST} characters."
GONE = "The login took too long, or it began in another browser or before cookies were deleted."


class ConsentForm(forms.Form):
    """The proof that this very request was shown to this very user."""

    shown = forms.CharField(widget=forms.HiddenInput)


@method_decorator([page_if_not_ready, csrf_exempt], name="dispatch")
class AuthorizeView(View):
    """Serves authorization requests. The address names the request, also when the consent form is sent."""

    http_method_names = ["get", "post"]  # no HEAD: it would make a code that nobody reads

    def get(self, request: HttpRequest) -> HttpResponse:
        """Log the user in where that is needed, ask, or answer at once where nothing is to be asked."""
        try:
            sent = request_store.sent(request)
            asked = read(sent)
        except (NotKept, Answered) as error:
            return ended(request, error)
        except AuthorizationRefused as error:
            return refuse(request, sent, error)
        user, login = request.user, login_session.current(request)
        if login is None or not user.is_authenticated:
            return self._log_in(request, sent, asked)
        now = keyring.clock(now=timezone.now())
        if consent.is_another(asked, user):
            if reauthentication.was_made(sent.query, login, now=now):  # asking again would go round in circles
                return send(
                    request, sent, asked, OAuthError("login_required", "Another user logged in than the hint names.")
                )
            return self._log_in(request, sent, asked)
        if consent.needs_login(asked, sent.query, login, now=now):
            return self._log_in(request, sent, asked)
        if not consent.has_level(asked, login):
            unmet = OAuthError("unmet_authentication_requirements", "No login here is of a class that was asked for.")
            return send(request, sent, asked, unmet)
        if not consent.is_needed(asked, user):
            return self._allow(request, sent, asked, login, now=now)
        if "none" in asked.prompt:
            return send(request, sent, asked, OAuthError("consent_required", "The user has to be asked."))
        return ask(request, sent, asked, login, now=now)

    def post(self, request: HttpRequest) -> HttpResponse:
        """The user's answer; or an authorization request sent as a form (OpenID Connect Core section 3.1.2.1)."""
        if "client_id" in request.POST:
            pairs = [(name, value) for name in request.POST for value in request.POST.getlist(name)]
            known = [(name, value) for name, value in pairs if name in parameters.AUTHORIZATION]
            return see_other(f"{request.path}?{urlencode(known)}")
        return csrf_protect(self._answer)(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            sent = request_store.sent(request)
            asked = read(sent)
        except (NotKept, Answered) as error:
            return ended(request, error)
        except AuthorizationRefused as error:
            return refuse(request, sent, error)
        user, login = request.user, login_session.current(request)
        if login is None or not user.is_authenticated or consent.is_another(asked, user):
            return see_other(sent.address)
        now = keyring.clock(now=timezone.now())
        if not consent.was_shown(request.POST.get("shown", ""), sent.query, str(user.pk), login, now=now):
            return see_other(sent.address)
        if request.POST.get("allow") != "true":
            return send(
                request, sent, asked, OAuthError("access_denied", "The user refused."), action="consent.refused"
            )
        return self._allow(request, sent, asked, login, now=now, is_answer=True)

    def _allow(
        self,
        request: HttpRequest,
        sent: Sent,
        asked: AuthorizationRequest,
        login: Login,
        *,
        now: datetime,
        is_answer: bool = False,
    ) -> HttpResponse:
        assert request.user.is_authenticated  # noqa: S101 (login_session.current knows no other)
        try:
            with transaction.atomic():
                code = authorization_code.create(asked, request.user, login, now=now)
                if is_answer:
                    consent.remember(asked, request.user, now=now)
                _end(sent, asked)
        except OAuthError as error:
            return send(request, sent, asked, error)
        except (NotKept, Answered) as error:  # another tab answered, and the code of this one is undone
            return ended(request, error)
        except SessionEnded:  # to the login, and back to the same request
            return see_other(request.get_full_path())
        except IntegrityError:  # the client went while the user answered
            return send(request, sent, asked, OAuthError("access_denied", "The client is not there any more."))
        if is_answer:
            note(request, "consent.given", asked.client.client_id)
        scope = " ".join(asked.target.scopes)
        note(request, "code.issued", asked.client.client_id, aud=asked.target.audience, scope=scope)
        return redirect(request, authorization_response.success(asked, code, issuer=conf.issuer().url))

    def _log_in(self, request: HttpRequest, sent: Sent, asked: AuthorizationRequest) -> HttpResponse:
        if "none" in asked.prompt:
            return send(request, sent, asked, OAuthError("login_required", "The user has to log in."))
        return to_login(request, sent)


def read(sent: Sent) -> AuthorizationRequest:
    """Return the valid request. Raises AuthorizationRefused, also if it is too long to be kept during a login."""
    asked = backend().authorization(sent.parameters)
    if sent.is_too_long:
        client_id, uri, state = asked.client.client_id, asked.redirect_uri, asked.state
        raise AuthorizationRefused("invalid_request", TOO_LONG, client_id=client_id, redirect_uri=uri, state=state)
    return asked


def ask(request: HttpRequest, sent: Sent, asked: AuthorizationRequest, login: Login, *, now: datetime) -> HttpResponse:
    """The consent page."""
    context: dict[str, object] = {
        "client": asked.client,
        "api": asked.target.api,
        "scopes": consent.described(asked.target.scopes),
        "form": ConsentForm(initial={"shown": consent.shown(sent.query, str(request.user.pk), login, now=now)}),
        "error": None,
    }
    return page(request, context)


def refuse(request: HttpRequest, sent: Sent, error: AuthorizationRefused) -> HttpResponse:
    """Return the error: to the client if it may be sent there, else on a page of the issuer (section 4.1.2.1).

    A user who is not logged in is not redirected to the client (RFC 9700 section 4.11.2), unless the request wants no
    page or is too long to be kept during a login.
    """
    if error.redirect_uri:
        if login_session.current(request) is None and not is_silent(sent) and not sent.is_too_long:
            return to_login(request, sent)
        try:
            request_store.end(sent, client_id=str(error.client_id), redirect_uri=error.redirect_uri)
        except (NotKept, Answered) as reason:
            return ended(request, reason)
        note(request, "authorization.refused", error.client_id, error=error.error, reason=error.description)
        uri = authorization_response.failure(error, error.redirect_uri, error.state, issuer=conf.issuer().url)
        return redirect(request, uri)
    note(request, "authorization.refused", error.client_id, error=error.error, reason=error.description)
    return wrong(request, str(error.description or error.error))


def ended(request: HttpRequest, reason: NotKept | Answered) -> HttpResponse:
    """Return the page for a handle under which this browser has no request, or none that is still to be answered."""
    if isinstance(reason, Answered):
        note(request, "authorization.refused", reason.client_id, error="invalid_request", reason="answered already")
        return duplicate_request.page(reason)
    note(request, "authorization.refused", None, error="invalid_request", reason="the handle opens no request")
    return wrong(request, GONE)


def wrong(request: HttpRequest, error: str) -> HttpResponse:
    """Return a page of the issuer that says what is wrong and has no links."""
    context: dict[str, object] = {"client": None, "api": None, "scopes": [], "form": None, "error": error}
    return page(request, context, status=400)


def page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    """Our page, which no other site may frame and no cache keeps."""
    response = render(request, "tokens/consent.html", context, status=status)
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


def send(
    request: HttpRequest,
    sent: Sent,
    asked: AuthorizationRequest,
    error: OAuthError,
    *,
    action: str = "authorization.refused",
) -> HttpResponse:
    """Return the error as the answer to a valid request; `action` is what the audit log calls it."""
    try:
        _end(sent, asked)
    except (NotKept, Answered) as reason:
        return ended(request, reason)
    note(request, action, asked.client.client_id, error=error.error, reason=error.description)
    uri = authorization_response.failure(error, asked.redirect_uri, asked.state, issuer=conf.issuer().url)
    return redirect(request, uri)


def _end(sent: Sent, asked: AuthorizationRequest) -> None:
    request_store.end(sent, client_id=asked.client.client_id, redirect_uri=asked.redirect_uri)


def to_login(request: HttpRequest, sent: Sent) -> HttpResponse:
    """Redirect to the login page, which leads back to the request. Keep the request unless it is kept already.

    The number of requests per address is limited, because each is a row that lives for hours.
    """
    if sent.is_kept:
        return redirect(request, login_address(sent.address))
    try:
        count(request, "authorize", (), conf.issuer().rate_limits["authorize"], subject=NOBODY)
    except TooMany as error:
        return please_wait(request, 429, error.retry_after)
    except NotCounted:
        pass
    now = timezone.now()
    kept = request_store.keep(reauthentication.ask(sent.query, now=now), now=now)
    return kept.attach(request, redirect(request, login_address(kept.address(request.path))))


def is_silent(sent: Sent) -> bool:
    """Whether the request, which may be wrong otherwise, wants no page (OpenID Connect Core section 3.1.2.1)."""
    return any("none" in value.split() for value in sent.parameters.getlist("prompt"))


def note(request: HttpRequest, action: str, client_id: str | None, **details: str | None) -> None:
    """A line of the audit log: what became of the request, for whom, with nothing that it brought."""
    who = request.user.get_username() if request.user.is_authenticated else "unknown"
    trail.log(
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
