"""/accounts/step-up/: leads a logged-in user to the factor that a client, an API or the admin requires.

- A user who has a suitable factor is asked for that factor only. A user without a suitable factor must set one up.
- Setting up a factor takes several pages. So the address to which the user returns is stored in the session.

Example: an API needs `phr` (phishing-resistant). A user who logged in by password comes to
/accounts/step-up/?class=phr&next=/oauth/…, is asked for the passkey, and returns.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from tokens.authentication_class import CLASSES, MULTI_FACTOR, PHISHING_RESISTANT, satisfies
from tokens.authorize import login_session
from tokens.factors import enrolment
from tokens.models import User
from tokens.views import ui_locales
from tokens.views.pages import View, log_in_first, private

CLASS = "class"
RETURN_TO = "step_up_return_to"
"""The name under which the session stores the address to open after the user has set up a factor."""


def address(needed: str, back: str) -> str:
    """Return the address of the page that asks for a stronger login and then leads to `back`.

    `needed` is the authentication context class that the login must reach, such as `phr`.
    """
    return f"{reverse('account_step_up')}?{urlencode({CLASS: needed, REDIRECT_FIELD_NAME: back})}"


def offered(user: User) -> dict[str, Any]:
    """Return template variables: whether the user has an authenticator app, and whether the user has a passkey."""
    types = enrolment.types(user)
    return {"has_app": Authenticator.Type.TOTP in types, "has_passkey": Authenticator.Type.WEBAUTHN in types}


def remembering(view: View) -> View:
    """Return a view that sets `request.return_to` and calls `view`.

    `return_to` is the address to which the user returns after setting up a factor, or "".
    """

    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        request.return_to = request.session.get(RETURN_TO, "")  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    return answer


def _step_up(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that asks for the missing factor. If the user has no such factor, show how to set one up.

    If no user is logged in, redirects to the login page. If the login is strong enough, redirects to the address in the
    parameter `next`, or else to the account page.
    """
    needed, back = request.GET.get(CLASS, ""), request.GET.get(REDIRECT_FIELD_NAME, "")
    needed = needed if needed in CLASSES else MULTI_FACTOR
    back = back if get_adapter(request).is_safe_url(back) else ""
    login = login_session.current(request)
    if login is None or not request.user.is_authenticated:
        return log_in_first(request.get_full_path())
    if satisfies(login.acr, needed):
        return _to(back or reverse("account"))
    if satisfies(enrolment.reachable(request.user), needed):
        return _to(f"{reverse(_page_for(request.user, needed))}?{urlencode({REDIRECT_FIELD_NAME: back})}")
    request.session[RETURN_TO] = back
    context = {"needs_passkey": needed == PHISHING_RESISTANT}
    return render(request, "mfa/missing.html", context)


def _page_for(user: User, needed: str) -> str:
    """Return the URL name of the page that asks the user for the factor that a stronger login needs.

    `needed` is the authentication context class that the login must reach, such as `phr`.
    """
    has_passkey = Authenticator.Type.WEBAUTHN in enrolment.types(user)
    return "mfa_reauthenticate_webauthn" if has_passkey or needed == PHISHING_RESISTANT else "mfa_reauthenticate"


def _to(uri: str) -> HttpResponse:
    # HttpResponseRedirect quotes characters that a header must not contain, such as line breaks in `next`.
    return HttpResponseRedirect(uri)


step_up = private(ui_locales.followed(_step_up))
