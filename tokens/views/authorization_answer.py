"""Answers of the authorization endpoint: a code or an error.

- Before the issuer sends a code or an error, it marks a stored request as answered (`authorize.request_row`). If a
  browser opens the request again more than 10 seconds later, the browser gets the page of `duplicate_request`.
- A code and this mark are written in one transaction (`authorize.authorization_code`). If the mark fails, there is no
  code.
- An error is sent to the client, except in these cases, in which a page of the issuer shows it:
  - The redirect URI is not valid (RFC 6749 4.1.2.1).
  - The request is invalid and the visitor is not logged in, unless the request has prompt=none (`refuse`).
  - The client is self-registered, has an https redirect URI, and was never allowed by this user (`send_error`). But if
    the user refuses the request, this error is sent to the client.
- The client gets the code or error by a redirect or by a form, as the response mode of the request says (`form_post`).
- The audit log gets each answer, without the parameters of the request.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from tokens import conf
from tokens.audit import trail
from tokens.authorize import authorization_code, consent, login_session
from tokens.authorize import response as authorization_response
from tokens.authorize.request import AuthorizationRefused, AuthorizationRequest
from tokens.authorize.request_row import AlreadyAnswered, NotStored
from tokens.authorize.response import AuthorizationResponse
from tokens.errors import OAuthError
from tokens.issued.login import Login
from tokens.issued.user_grant import SessionEnded
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.models import Client, User
from tokens.views import consent_page, duplicate_request, form_post
from tokens.views.pages import HEADERS
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
        """Return a copy of the attempt without scopes that the user may not have.

        Raises OAuthError if no scope is left.
        """
        return replace(self, authorization=consent.narrowed(self.authorization, user))

    def mark_answered(self) -> None:
        """Mark the stored request as answered. Do nothing if the request is not stored.

        Raises AlreadyAnswered if the request was answered more than 10 seconds ago, and NotStored if its row does not
        exist any more.
        """
        redirect_uri = self.authorization.redirect_uri
        self.sent.mark_answered(client_id=self.client_id, redirect_uri=redirect_uri, now=clock())


def clock() -> datetime:
    """Return this process's estimate of the database's clock. Raises nothing, unlike `keyring.clock`."""
    # Not `keyring.clock`, which can raise NotReady: a redirect to the login page does not need the exact time.
    return keyring.estimated_clock(now=timezone.now())


def send_code(attempt: Attempt, login: Login, *, now: datetime, is_consent: bool = False) -> HttpResponse:
    """Issue a code and send it to the client, by a redirect or a form.

    If the request was answered more than 10 seconds ago, returns a page that says so. If the session has ended since it
    was checked, redirects to the same request again, so that the user logs in first. `is_consent` is True if the user
    allowed the client in this HTTP request. Raises OAuthError if the code cannot be issued.
    """
    request, authorization = attempt.http, attempt.authorization
    assert request.user.is_authenticated  # noqa: S101 (only a logged-in user has a `login`)
    row = attempt.sent.key
    try:
        code = authorization_code.issue(
            authorization, request.user, login, row=row, is_consent=is_consent, answered_at=clock(), now=now
        )
    except (NotStored, AlreadyAnswered) as error:  # another tab answered first; the rollback deleted this code
        return unusable_handle(request, error)
    except SessionEnded:  # the session ended at the same time: log in, then return to this request
        request.session.flush()
        return see_other(request.get_full_path())
    if is_consent:
        note(request, "consent.given", attempt.client_id)
    scope = " ".join(authorization.target.scopes)
    note(request, "code.issued", attempt.client_id, aud=authorization.target.audience, scope=scope)
    return _deliver(request, authorization_response.success(authorization, code, issuer=conf.issuer().url))


def send_error(attempt: Attempt, error: OAuthError, *, action: str = "authorization.refused") -> HttpResponse:
    """Send the error to the client, by a redirect or a form. `action` is the name of the audit event.

    If the client is self-registered, its redirect URI is https and the user never allowed it, returns a page with the
    error instead. But a refusal by the user (CONSENT_REFUSED) is sent to the client.
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
    """Answer an invalid request: send the error to the client if that is safe, else show a page (RFC 6749 4.1.2.1).

    A visitor who is not logged in gets the page, unless the request has prompt=none.
    """
    # RFC 9700 section 4.11.2: no redirect before a login, or a link to the issuer would be an open redirect. The
    # visitor is not asked to log in, because the request stays invalid.
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
    """Return the page for a stored request that this browser cannot open (NotStored), or that was already answered."""
    if isinstance(reason, AlreadyAnswered):
        note(request, "authorization.refused", reason.client_id, error="invalid_request", reason="answered already")
        return duplicate_request.page(request, reason)
    note(request, "authorization.refused", None, error="invalid_request", reason="the handle opens no request")
    return consent_page.error_page(request, LOST, code="invalid_request")


def _wants_no_page(sent: SentRequest) -> bool:
    """Return True if the request has prompt=none (OpenID Connect Core section 3.1.2.1). The request may be invalid."""
    return any("none" in value.split() for value in sent.parameters.getlist("prompt"))


def note(request: HttpRequest, action: str, client_id: str | None, **details: str | None) -> None:
    """Write the event `action` to the audit log, with the request's user and network address.

    `client_id` is None if the client is unknown. `details` must not contain unverified text of the request.
    """
    user = request.user.get_username() if request.user.is_authenticated else "unknown"
    trail.log(
        action,
        actor=f"user:{user}",
        subject=f"client:{client_id or 'unknown'}",
        details={**details, "address": rate_limit.address(request)},
        now=timezone.now(),
    )


def _deliver(request: HttpRequest, response: AuthorizationResponse) -> HttpResponse:
    """Return the redirect or the form by which the browser carries the authorization response to the client."""
    return form_post.page(response) if response.is_form else redirect(request, response.address)


def redirect(request: HttpRequest, uri: str) -> HttpResponse:
    """Redirect to `uri`, which the caller must have validated."""
    # 303 after a form: with 307 the browser would send the form to `uri` as well (RFC 9700 section 4.12).
    return HttpResponse(status=302 if request.method == "GET" else 303, headers={**HEADERS, "Location": uri})


def see_other(uri: str) -> HttpResponse:
    """Redirect to `uri`, an address of the issuer, with 303."""
    # After a 303, the browser sends a GET (RFC 9110 section 15.4.4), and so no password (RFC 9700 section 4.12).
    return HttpResponse(status=303, headers={**HEADERS, "Location": uri})
