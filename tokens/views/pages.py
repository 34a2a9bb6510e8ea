"""Headers that every page of the issuer has: no framing, no caching, no foreign content, no referrer."""

from collections.abc import Callable, Mapping
from functools import wraps

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import urlencode

from tokens import conf

POLICY_HEADER = "Content-Security-Policy"
# No form-action: browsers apply it to redirects after a form as well, and consent redirects to the client.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
OPENER_POLICY = "Cross-Origin-Opener-Policy"

HEADERS = {
    "Cache-Control": "no-store",
    POLICY_HEADER: POLICY,
    # A client can open the login in a popup, and wait for it by `opener` and `closed`. Each page and redirect on the
    # way back to the client needs this value: Django's default, same-origin, cuts the popup off from its opener.
    OPENER_POLICY: "unsafe-none",
    "Referrer-Policy": "no-referrer",  # views/own_forms.py recognizes the forms of our pages without it
    "X-Frame-Options": "DENY",
}

# A page whose script asks the browser for a passkey: static files of ours and allauth's, nothing inline.
PASSKEY_HEADERS = HEADERS | {POLICY_HEADER: f"{POLICY}; script-src 'self'"}

# No client opens these pages.
ACCOUNT_HEADERS = HEADERS | {OPENER_POLICY: "same-origin"}
ADMIN_HEADERS = ACCOUNT_HEADERS | {POLICY_HEADER: f"{POLICY}; script-src 'self'"}  # Django's admin has scripts

CARRIED = (REDIRECT_FIELD_NAME, "user_code")
"""Form fields that their pages also read from the address."""

View = Callable[..., HttpResponseBase]


def private(view: View, *, headers: Mapping[str, str] = HEADERS) -> View:
    """Add the headers of the issuer's pages to each answer of the view."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        for name, value in headers.items():
            response.headers[name] = value
        return response

    return answer


def log_in_first(back: str) -> HttpResponse:
    """Redirect to the login page, which leads to `back` (an address of the issuer)."""
    return HttpResponse(status=302, headers={"Location": login_address(back)})


def login_address(back: str) -> str:
    """Return the address of the login page, which leads to `back` (an address of the issuer)."""
    return f"{resolve_url(conf.pages().login_url)}?{urlencode({REDIRECT_FIELD_NAME: back})}"


def same_page(request: HttpRequest) -> str:
    """Return the address that opens a form's page again, with the fields that the user need not type again."""
    carried = {name: request.POST[name] for name in CARRIED if request.POST.get(name)}
    if not carried:
        return request.get_full_path()
    return f"{request.path}?{urlencode(request.GET.dict() | carried)}"
