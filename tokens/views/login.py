"""/accounts/login/: allauth's login page. A logged-in user gets the page, too, if a client requires a new login.

If the user has a second factor, the password is only the first step. Then allauth asks for the second factor
(`factors.second_step`). The user is logged in after the last step, in `account_adapter`.
"""

from typing import Any

from allauth.account.internal.stagekit import clear_login
from allauth.account.views import LoginView
from allauth.mfa.webauthn.internal import auth as passkey_ceremony
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from tokens import conf
from tokens.authorize import login_session, reauthentication
from tokens.keys import keyring
from tokens.views import request_store


class _FirstStep:
    """A page for the first step of a login. An earlier login lasts until a valid form is posted."""

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Serve the page, or let allauth redirect a user who is logged in already.

        The page is served to a logged-in user in two cases: an authorization request requires a new login, or
        `login_session.current` finds no login, for example after a login on the admin's login page.
        """
        # allauth would redirect a logged-in user past the page. The user is hidden from allauth in two cases: a request
        # requires a new login, or the login was at the admin's page and has no method that a token could name.
        if _mark(request) or login_session.current(request) is None:
            request.user = AnonymousUser()
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in the user whom the form authenticated, or redirect to the second factor if the user has one.

        If a user was logged in on this session, that login ends. Raises NotReady, and changes nothing, if the clock is
        not reliable (`keyring.clock`).
        """
        keyring.clock(now=timezone.now())
        self.request.user = get_user(self.request)  # `dispatch` hid the user of the session
        if self.request.user.is_authenticated:
            login_session.leave(self.request)  # the new session inherits nothing but the `sid`
        clear_login(self.request)  # ends a login that was left before its second factor
        self.request.session[login_session.WAITING_MARK] = _mark(self.request)
        return super().form_valid(form)  # type: ignore[misc,no-any-return]

    def _redirect_to_pending_stage(self, _request: HttpRequest, _stage: Any) -> None:
        """Return None. allauth then shows this page instead of the page for the second factor of an earlier login."""


class LoginPage(_FirstStep, LoginView):
    """The login page: name and password."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the variables of the template: allauth's, `login_hint`, `sends_mail` and `sign_up`.

        `login_hint` is the parameter of the authorization request that waits for this login (OpenID Connect Core
        section 3.1.2.1), or "". If `sends_mail` is True, the page has a link for a forgotten password. If `sign_up` is
        True, it has a link to the sign-up.
        """
        hint = request_store.parse(_waiting_query(self.request)).get("login_hint", "")
        settings = conf.issuer()
        offered = {"sends_mail": settings.sends_mail, "sign_up": settings.sign_up}
        return super().get_context_data(**kwargs) | {"login_hint": hint} | offered


class PasskeyPage(_FirstStep, LoginWebAuthnView):
    """The page that logs a user in by a passkey, without a name or a password."""

    template_name = "mfa/webauthn/login.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ARG002 (allauth's)
        """Show the page. Its script asks the browser for a passkey."""
        return self.render_to_response(self.get_context_data())

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the page again, with a new challenge."""
        return self.render_to_response(self.get_context_data(form=form))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return allauth's variables of the template, a new challenge for the passkey, and the result of `_target`."""
        data = super().get_context_data(**kwargs)
        data["ceremony"] = passkey_ceremony.begin_authentication(user=None)
        data["redirect_field_value"] = _target(self.request)
        return data


def _mark(request: HttpRequest) -> str:
    """Return the signed mark of the authorization request that waits for this login, or "".

    If a request requires a new login, its query contains the mark. With the mark, the authorization endpoint recognizes
    that the user logged in for this request (`reauthentication`). Returns "" if no request waits, or if the request has
    no valid mark.
    """
    return reauthentication.mark_of(_waiting_query(request))


def _waiting_query(request: HttpRequest) -> str:
    """Return the query of the authorization request that waits for this login, or ""."""
    return request_store.find_query(request, _target(request).partition("?")[2]) or ""


def _target(request: HttpRequest) -> str:
    """Return the parameter `next` of the form, or else of the query: the address to open after the login.

    Returns "" if both lack the parameter. The address is unverified.
    """
    return request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
