"""/accounts/login/: allauth's login page. A user who is logged in gets it too, if a client requires a new login."""

from typing import Any

from allauth.account.views import LoginView
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from tokens.authorize import login_session, reauthentication
from tokens.keys import keyring
from tokens.views import request_store


class LoginPage(LoginView):
    """The login page. An earlier session ends only when a user has logged in."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Serve the page, also to a user who is logged in but has to log in again."""
        # allauth redirects a logged-in user past the page. Two logins do not count: one that is older than a request
        # which requires a new login, and one at the admin's page, which leaves no method that a token could name.
        if _mark(request) or login_session.current(request) is None:
            request.user = AnonymousUser()
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in the user whom the form authenticated, in a new session.

        Raises NotReady, before anything is done, if the database's clock is unknown.
        """
        now = keyring.clock(now=timezone.now())
        self.request.user = get_user(self.request)  # `dispatch` hid the user of the session
        if self.request.user.is_authenticated:
            login_session.leave(self.request)  # the new session inherits nothing but the `sid`
        answer = super().form_valid(form)
        if self.request.user.is_authenticated:
            login_session.begin(self.request, self.request.user, made_for=_mark(self.request), now=now)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the `login_hint` of the waiting request (OpenID Connect Core section 3.1.2.1)."""
        hint = request_store.parse(_waiting_query(self.request)).get("login_hint", "")
        return super().get_context_data(**kwargs) | {"login_hint": hint}


def _mark(request: HttpRequest) -> str:
    """Return the signed mark of the request that waits for this login; "" if none waits."""
    return reauthentication.mark_of(_waiting_query(request))


def _waiting_query(request: HttpRequest) -> str:
    """Return the query of the authorization request that waits for this login, or ""."""
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    return request_store.find_query(request, target.partition("?")[2]) or ""
