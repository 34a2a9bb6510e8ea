"""/accounts/login/: allauth's page, which also takes a user who is logged in, where a request wants a login anew."""

from typing import Any

from allauth.account.views import LoginView
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user, logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from tokens.authorize import login_session, reauthentication
from tokens.keys import keyring
from tokens.views import request_store


class LoginPage(LoginView):
    """The login page. The session of before stays until somebody has logged in."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Serve the page to whoever has to log in, though they may be logged in.

        Without `asked_at` in `next`, allauth sends whoever is logged in straight there; but whoever came in by the
        admin's page has shown nothing that a token could tell.
        """
        if _asked(request) or login_session.current(request) is None:
            request.user = AnonymousUser()
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in the user whom the form authenticated. Ends an earlier session first: the new one inherits nothing.

        Raises NotReady, before anything is done, if the database's clock is unknown.
        """
        now = keyring.clock(now=timezone.now())
        self.request.user = get_user(self.request)
        if self.request.user.is_authenticated:
            logout(self.request)
        answer = super().form_valid(form)
        if self.request.user.is_authenticated:
            login_session.begin(self.request, self.request.user, made_for=_asked(self.request), now=now)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the `login_hint` of the waiting request (OpenID Connect Core section 3.1.2.1)."""
        hint = request_store.parsed(_pending(self.request)).get("login_hint", "")
        return super().get_context_data(**kwargs) | {"login_hint": hint}


def _asked(request: HttpRequest) -> str:
    """What asks for a login anew, where the page was led to by a request that wants one."""
    return reauthentication.asked(_pending(request))


def _pending(request: HttpRequest) -> str:
    """Return the query of the authorization request that waits for this login, or ""."""
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    return request_store.find(request, target.partition("?")[2]) or ""
