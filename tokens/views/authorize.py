"""/oauth/authorize: asks the user whether a client may get what it requests (RFC 6749 section 4.1.1).

The view does and checks the following, in this order. The first check that fails determines the answer:

0. If the client pushed or signed the request, the request is stored for this browser (`request_reference`). The browser
   is redirected to the stored request, and the view begins again with it.
1. The client, redirect URI, scopes and PKCE of the request must be valid. If one of them is invalid and no user is
   logged in, the answer is a page with the error. The visitor is not asked to log in.
2. A user must be logged in. If the request names a user, this user must be logged in. The login must be as recent and
   as strong as the request requires.
3. The user must allow the client now, or have allowed it before.

The answers are in `authorization_answer`, the pages in `consent_page`.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from tokens import parameters
from tokens.authorize import (
    consent,
    display_proof,
    login_session,
    login_strength,
    reauthentication,
    request_push,
    request_signature,
)
from tokens.authorize.backend import backend
from tokens.authorize.request import AuthorizationRefused, AuthorizationRequest, as_refusal
from tokens.authorize.request_row import AlreadyAnswered, NotStored
from tokens.errors import OAuthError
from tokens.factors import enrolment, obligation
from tokens.issued.login import Login
from tokens.keys import keyring
from tokens.models import User
from tokens.views import (
    authorization_answer,
    consent_page,
    document_gate,
    login_detour,
    request_reference,
    request_store,
    ui_locales,
)
from tokens.views.authorization_answer import CONSENT_REFUSED, Attempt, see_other, send_code, send_error
from tokens.views.not_ready import page_if_not_ready
from tokens.views.request_store import SentRequest


@method_decorator([page_if_not_ready, csrf_exempt], name="dispatch")
class AuthorizeView(View):
    """The authorization endpoint (RFC 6749 section 3.1). The consent form is posted to the URL of the request."""

    http_method_names = ["get", "post"]  # no HEAD, which would issue a code that no client reads

    def get(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the login, show the consent page, or answer the client without asking the user."""
        return _with_attempt(request, _ask)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Process the consent form. If the form is an authorization request instead, redirect to it as a GET.

        A client may send its request as a form (OpenID Connect Core section 3.1.2.1). The redirect has the parameters
        of the form in its query.
        """
        if "client_id" in request.POST:
            pairs = [(name, value) for name in request.POST for value in request.POST.getlist(name)]
            declared = [(name, value) for name, value in pairs if name in parameters.AUTHORIZATION]
            return see_other(f"{request.path}?{urlencode(declared)}")
        # Only the consent form is protected by a CSRF token. The site of a client cannot know the token.
        return csrf_protect(_read_consent)(request)


def _with_attempt(request: HttpRequest, proceed: Callable[[Attempt], HttpResponse]) -> HttpResponse:
    """Validate the authorization request, and return the answer of `proceed` to the valid request.

    A pushed or signed request is stored first, and the browser is redirected to the stored request. If the request is
    invalid or was answered before, shows an error page or sends the error to the client. An OAuthError of `proceed` is
    sent to the client.
    """
    now = authorization_answer.clock()
    try:
        sent = request_store.read(request, now=now)
        ui_locales.follow(request, sent.query)
        if (moved := request_reference.exchange(request, sent, now=now)) is not None:
            return moved
        if (answer := document_gate.admit(request, sent, now=now)) is not None:
            return answer
        authorization = _validate(sent)
    except (NotStored, AlreadyAnswered) as error:
        return authorization_answer.unusable_handle(request, error)
    except AuthorizationRefused as error:
        return authorization_answer.refuse(request, sent, error)
    attempt = Attempt(request, sent, authorization)
    try:
        return proceed(attempt)
    except OAuthError as error:
        return send_error(attempt, error)


def _validate(sent: SentRequest) -> AuthorizationRequest:
    """Return the authorization request if it is valid.

    Raises AuthorizationRefused if the request is invalid or too long, or if the client must push or sign it and did
    not.
    """
    authorization = backend().authorization(sent.parameters)
    with as_refusal(
        client_id=authorization.client.client_id,
        redirect_uri=authorization.redirect_uri,
        state=authorization.state,
        response_mode=authorization.response_mode,
    ):
        _judge_way(sent, authorization)
    return authorization


def _judge_way(sent: SentRequest, authorization: AuthorizationRequest) -> None:
    """Raise OAuthError if the request is too long to be stored, or if the client must push or sign it and did not."""
    if sent.is_too_long:
        raise OAuthError("invalid_request", request_reference.TOO_LONG)
    request_push.require(authorization.client, is_pushed=sent.is_pushed)
    request_signature.require(authorization.client, is_signed=sent.is_signed)


def _ask(attempt: Attempt) -> HttpResponse:
    """Answer a GET request: the login page, the consent page, a code or an error."""
    user, login = attempt.http.user, login_session.current(attempt.http)
    if login is None or not user.is_authenticated:
        return _log_in(attempt)
    now = keyring.clock(now=timezone.now())  # read here: only a code needs it, and a document might have been fetched
    if answer := _unless_login_suffices(attempt, user, login, now=now):
        return answer
    attempt = attempt.narrowed(user)
    if not consent.is_needed(attempt.authorization, user):
        return send_code(attempt, _as_requested(attempt, login), now=now)
    if "none" in attempt.authorization.prompt:
        raise OAuthError("consent_required", "The user has to give consent.")
    return consent_page.question(attempt.http, attempt.sent.query, attempt.authorization, login, now=now)


def _unless_login_suffices(attempt: Attempt, user: User, login: Login, *, now: datetime) -> HttpResponse | None:
    """Return None if the login satisfies the request, else redirect to the login page or the page for a second factor.

    Raises OAuthError if no login can satisfy the request, or if a login is needed and the request has prompt=none.
    """
    query, authorization = attempt.sent.query, attempt.authorization
    if consent.names_another_user(authorization, user):
        # A user who has just logged in for this request must not be sent to the login again, in a redirect loop.
        if reauthentication.was_made(query, login, now=now):
            raise OAuthError("login_required", "A user logged in who is not the user that the request names.")
        return _log_in(attempt)
    if consent.needs_login(authorization, query, login, now=now):
        return _log_in(attempt)
    return _unless_class_suffices(attempt, user, login)


def _unless_class_suffices(attempt: Attempt, user: User, login: Login) -> HttpResponse | None:
    """Return None if the login is strong enough, else redirect to the page that asks for the missing factor.

    Raises OAuthError if no login can be strong enough, or if a factor is missing and the request has prompt=none.
    """
    required, reachable = obligation.of(user, attempt.authorization.client), enrolment.reachable(user)
    missing = login_strength.next_class(attempt.authorization, login, required=required, reachable=reachable)
    return None if missing is None else login_detour.to_step_up(attempt, missing)


def _log_in(attempt: Attempt) -> HttpResponse:
    """Redirect to the login page. Raises OAuthError login_required if the request has prompt=none."""
    if "none" in attempt.authorization.prompt:
        raise OAuthError("login_required", "The user has to log in.")
    return login_detour.to_login(attempt.http, attempt.sent)


def _read_consent(request: HttpRequest) -> HttpResponse:
    """Return the answer to the consent form: a code if the user allowed the request, or access_denied.

    Redirects to the request again if the form does not prove that the request was displayed to this user.
    """
    return _with_attempt(request, _follow_consent)


def _follow_consent(attempt: Attempt) -> HttpResponse:
    """Answer the client as the user decided on the consent page.

    Redirects to the request again if the user, the login or the request has changed since the page was displayed. The
    endpoint then asks the user again.
    """
    request, query = attempt.http, attempt.sent.query
    user, login = request.user, login_session.current(request)
    if login is None or not user.is_authenticated or consent.names_another_user(attempt.authorization, user):
        return see_other(attempt.sent.address)
    if not login_strength.suffices(
        attempt.authorization, login, required=obligation.of(user, attempt.authorization.client)
    ):
        return see_other(attempt.sent.address)
    now = keyring.clock(now=timezone.now())
    attempt = attempt.narrowed(user)  # the user might have left a group since the page was displayed
    content = display_proof.content(attempt.authorization, query)
    if not display_proof.is_valid(request.POST.get("shown", ""), content, str(user.pk), login, now=now):
        return see_other(attempt.sent.address)
    if request.POST.get("allow") != "true":
        return send_error(attempt, OAuthError("access_denied", "The user refused."), action=CONSENT_REFUSED)
    return send_code(attempt, _as_requested(attempt, login), now=now, is_consent=True)


def _as_requested(attempt: Attempt, login: Login) -> Login:
    """Return a copy of the login in which `acr` is the class that the client gets as the claim `acr`.

    A client can request a weaker class than the login has reached (`login_strength.reached_class`). Returns an
    unchanged copy if the request requires a stronger login.
    """
    return replace(login, acr=login_strength.reached_class(attempt.authorization, login) or login.acr)
