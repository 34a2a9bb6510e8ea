"""Sets the headers of the issuer's pages: no framing, no caching, no foreign content, no referrer.

The module also has functions that return the user of a request, and addresses of the login page.
"""

from collections.abc import Callable, Mapping
from functools import wraps

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import urlencode

from tokens import conf
from tokens.models import User

POLICY_HEADER = "Content-Security-Policy"
# Without form-action: browsers also apply it to redirects after a form, and the consent form redirects to the client.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
OPENER_POLICY = "Cross-Origin-Opener-Policy"

HEADERS = {
    "Cache-Control": "no-store",
    POLICY_HEADER: POLICY,
    # A client can open the login in a popup, and wait for the popup by `opener` and `closed`. Each page and redirect on
    # the way back to the client needs this value. Django's default, same-origin, cuts the popup off from its opener.
    OPENER_POLICY: "unsafe-none",
    "Referrer-Policy": "no-referrer",  # views/own_forms.py recognizes the forms of these pages without a referrer
    "X-Frame-Options": "DENY",
}

# For a page whose script asks the browser for a passkey. Its scripts are static files, none is inline.
PASSKEY_HEADERS = HEADERS | {POLICY_HEADER: f"{POLICY}; script-src 'self'"}

# No client opens these pages.
ACCOUNT_HEADERS = HEADERS | {OPENER_POLICY: "same-origin"}
ADMIN_HEADERS = ACCOUNT_HEADERS | {POLICY_HEADER: f"{POLICY}; script-src 'self'"}  # Django's admin has scripts

CARRIED = (REDIRECT_FIELD_NAME, "user_code")
"""Form fields that a page also reads from its address."""

View = Callable[..., HttpResponseBase]


def private(view: View, *, headers: Mapping[str, str] = HEADERS) -> View:
    """Return a view that sets `headers` in each response of `view`. The default headers forbid caching and framing."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        for name, value in headers.items():
            response.headers[name] = value
        return response

    return answer


def user_of(request: HttpRequest) -> User:
    """Return the user of a request whose view requires a login."""
    assert request.user.is_authenticated  # noqa: S101 (such a view has redirected every other request to the login)
    return request.user


def user_if_logged_in(request: HttpRequest) -> User | None:
    """Return the user who is logged in, or None."""
    return request.user if request.user.is_authenticated else None


def log_in_first(back: str) -> HttpResponse:
    """Redirect to the login page. The login leads to `back`, an address of the issuer."""
    return HttpResponse(status=302, headers={"Location": login_address(back)})


def login_address(back: str) -> str:
    """Return the address of the login page. The login leads to `back`, an address of the issuer."""
    return f"{resolve_url(conf.pages().login_url)}?{urlencode({REDIRECT_FIELD_NAME: back})}"


def same_page(request: HttpRequest) -> str:
    """Return the address of the page that the form was posted to. A GET of this address shows the page again.

    The address has the form's fields in CARRIED, such as `next`, in its query.
    """
    carried = {name: request.POST[name] for name in CARRIED if request.POST.get(name)}
    if not carried:
        return request.get_full_path()
    return f"{request.path}?{urlencode(request.GET.dict() | carried)}"
