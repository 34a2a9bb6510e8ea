"""Answers of the authorization endpoint: a code, an error, or the way to the login page.

- An answer to the client marks the request as answered (`authorize.request_row`) before the browser gets it. So the
  handle of an answered request gives neither a code nor an error.
- A code and that mark are written in one transaction: if the mark fails, there is no code.
- An error goes to the client only if its redirect URI is valid, else to a page of the issuer (RFC 6749 4.1.2.1).
- The error of an invalid request also stays at the issuer if its visitor is not logged in (`refuse`), and every error
  for a client that registered itself if this user never allowed it.
- The client gets its answer by a redirect or by a form, as its request says (`form_post`).
- The audit log gets each answer, without the parameters of the request.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from tokens import conf
from tokens.audit import trail
from tokens.authorize import authorization_code, consent, login_session, reauthentication
from tokens.authorize import response as authorization_response
from tokens.authorize.request import AuthorizationRefused, AuthorizationRequest
from tokens.authorize.request_row import AlreadyAnswered, KeptRequest, NotStored
from tokens.authorize.response import AuthorizationResponse
from tokens.errors import OAuthError
from tokens.issued.login import Login
from tokens.issued.user_grant import SessionEnded
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.limits.rate_limit import NotCounted, TooMany
from tokens.models import Client, User
from tokens.views import consent_page, duplicate_request, form_post, request_store, step_up
from tokens.views.limits import NOBODY, count, please_wait
from tokens.views.pages import HEADERS, login_address
from tokens.views.request_store import SentRequest

CONSENT_REFUSED = "consent.refused"
"""The audit event of a user who pressed Refuse."""
LOST = gettext_lazy("The login took too long, or it began in another browser or before cookies were deleted.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request that carries a valid authorization request."""

    http: HttpRequest
    sent: SentRequest
    authorization: AuthorizationRequest

    @property
    def client_id(self) -> str:
        """Return the client_id of the client that sent the request."""
        return self.authorization.client.client_id

    def narrowed(self, user: User) -> "Attempt":
        """Return the attempt without scopes that the user may not have. Raises OAuthError if none is left."""
        return replace(self, authorization=consent.narrowed(self.authorization, user))

    def mark_answered(self) -> None:
        """Record that the client gets its answer now. Raises AlreadyAnswered and NotStored."""
        redirect_uri = self.authorization.redirect_uri
        self.sent.mark_answered(client_id=self.client_id, redirect_uri=redirect_uri, now=clock())


def clock() -> datetime:
    """Return this process's estimate of the database's clock, for the age of an answer."""
    # Not `keyring.clock`: that raises NotReady, and a redirect to the login page needs no right clock.
    return keyring.estimated_clock(now=timezone.now())


def send_code(attempt: Attempt, login: Login, *, now: datetime, is_consent: bool = False) -> HttpResponse:
    """Redirect to the client with a code. Raises OAuthError if the code cannot be issued.

    `is_consent` is True if the user allowed the client in this HTTP request.
    """
    request, authorization = attempt.http, attempt.authorization
    assert request.user.is_authenticated  # noqa: S101 (only a logged-in user has a `login`)
    try:
        with transaction.atomic():
            code = authorization_code.create(authorization, request.user, login, now=now)
            if is_consent:
                consent.remember(authorization, request.user, now=now)
            attempt.mark_answered()
    except (NotStored, AlreadyAnswered) as error:  # another tab answered first; the transaction undid this code
        return unusable_handle(request, error)
    except SessionEnded:  # the session ended at the same time: log in, then return to this request
        request.session.flush()
        return see_other(request.get_full_path())
    except IntegrityError:  # the client was deleted since the request was read
        raise OAuthError("access_denied", "The client is not registered any more.") from None
    if is_consent:
        note(request, "consent.given", attempt.client_id)
    scope = " ".join(authorization.target.scopes)
    note(request, "code.issued", attempt.client_id, aud=authorization.target.audience, scope=scope)
    return _deliver(request, authorization_response.success(authorization, code, issuer=conf.issuer().url))


def send_error(attempt: Attempt, error: OAuthError, *, action: str = "authorization.refused") -> HttpResponse:
    """Redirect to the client with the error. `action` is the name of the audit event.

    If the client registered itself and the user never allowed it, the error is shown by a page.
    """
    client, uri = attempt.authorization.client, attempt.authorization.redirect_uri
    if action != CONSENT_REFUSED and not consent.may_answer_unseen(client, uri, attempt.http.user):
        note(attempt.http, action, attempt.client_id, error=error.error, reason=error.reason)
        return consent_page.error_page(attempt.http, error.description or error.error, code=error.error)
    try:
        attempt.mark_answered()
    except (NotStored, AlreadyAnswered) as reason:
        return unusable_handle(attempt.http, reason)
    note(attempt.http, action, attempt.client_id, error=error.error, reason=error.reason)
    return _deliver(
        attempt.http, authorization_response.failure(error, attempt.authorization, issuer=conf.issuer().url)
    )


def refuse(request: HttpRequest, sent: SentRequest, error: AuthorizationRefused) -> HttpResponse:
    """Answer an invalid request: redirect to the client if that is safe, else show a page (RFC 6749 4.1.2.1).

    The page is also for a visitor who is not logged in, unless the request has prompt=none.
    """
    # RFC 9700 section 4.11.2: no redirect before a login, or a link to the issuer would be an open redirect. A login
    # would not help: the request stays invalid.
    is_visitor = login_session.current(request) is None and not _wants_no_page(sent)
    goes_back = bool(error.redirect_uri) and not is_visitor and _may_answer_unseen(request, error)
    if goes_back:
        try:
            sent.mark_answered(client_id=str(error.client_id), redirect_uri=str(error.redirect_uri), now=clock())
        except (NotStored, AlreadyAnswered) as reason:
            return unusable_handle(request, reason)
    note(request, "authorization.refused", error.client_id, error=error.error, reason=error.reason)
    if not goes_back:
        return consent_page.error_page(request, error.description or error.error, code=error.error)
    return _deliver(request, authorization_response.failure(error, error, issuer=conf.issuer().url))


def _may_answer_unseen(request: HttpRequest, error: AuthorizationRefused) -> bool:
    client = Client.objects.filter(client_id=error.client_id).first()
    return client is not None and consent.may_answer_unseen(client, error.redirect_uri or "", request.user)


def unusable_handle(request: HttpRequest, reason: NotStored | AlreadyAnswered) -> HttpResponse:
    """Return the page for a handle that opens no request in this browser, or whose request was answered."""
    if isinstance(reason, AlreadyAnswered):
        note(request, "authorization.refused", reason.client_id, error="invalid_request", reason="answered already")
        return duplicate_request.page(request, reason)
    note(request, "authorization.refused", None, error="invalid_request", reason="the handle opens no request")
    return consent_page.error_page(request, LOST, code="invalid_request")


def to_login(request: HttpRequest, sent: SentRequest) -> HttpResponse:
    """Store the request and redirect to the login page, which leads back to the request."""
    return _to_page(request, sent, login_address)


def to_step_up(attempt: Attempt, needed: str) -> HttpResponse:
    """Store the request and redirect to the page of the factor for the class `needed`, which leads back."""
    return _to_page(attempt.http, attempt.sent, lambda back: step_up.address(needed, back))


def _to_page(request: HttpRequest, sent: SentRequest, address: Callable[[str], str]) -> HttpResponse:
    """Store the request and redirect to the page at `address`, a function of the address that leads back."""
    if sent.is_stored:
        return redirect(request, address(sent.address))
    if (refusal := too_many_rows(request)) is not None:
        return refusal
    now = timezone.now()
    query = reauthentication.add_mark(sent.query, now=now)
    stored = request_store.store(KeptRequest(query), request_store.new_handle(now=now))
    return stored.attach(request, redirect(request, address(stored.address(request.path))))


def too_many_rows(request: HttpRequest) -> HttpResponse | None:
    """Count a request that is stored. Returns 429 if the sender's address has stored too many, else None."""
    # Each stored request is a row for two hours, so the requests of an address are limited. If the cache that counts
    # them fails, logins go on.
    try:
        count(request, "authorize", (), conf.issuer().rate_limits["authorize"], subject=NOBODY)
    except TooMany as error:
        return please_wait(request, 429, error.retry_after)
    except NotCounted:
        pass
    return None


def _wants_no_page(sent: SentRequest) -> bool:
    """Return True if the request, which may be invalid, has prompt=none (OpenID Connect Core section 3.1.2.1)."""
    return any("none" in value.split() for value in sent.parameters.getlist("prompt"))


def note(request: HttpRequest, action: str, client_id: str | None, **details: str | None) -> None:
    """Write a line of the audit log. `details` must not repeat what the request sent."""
    user = request.user.get_username() if request.user.is_authenticated else "unknown"
    trail.log(
        action,
        actor=f"user:{user}",
        subject=f"client:{client_id or 'unknown'}",
        details={**details, "address": rate_limit.address(request)},
        now=timezone.now(),
    )


def _deliver(request: HttpRequest, response: AuthorizationResponse) -> HttpResponse:
    """Send the browser to the client with its answer, by a redirect or by a form."""
    return form_post.page(response) if response.is_form else redirect(request, response.address)


def redirect(request: HttpRequest, uri: str) -> HttpResponse:
    """Redirect to `uri`, which the caller has validated."""
    # 303 after a form: with 307 the browser would send the form to `uri` as well (RFC 9700 section 4.12).
    return HttpResponse(status=302 if request.method == "GET" else 303, headers={**HEADERS, "Location": uri})


def see_other(uri: str) -> HttpResponse:
    """Redirect to `uri`, an address of the issuer, with 303: the browser then sends a GET."""
    return HttpResponse(status=303, headers={**HEADERS, "Location": uri})
