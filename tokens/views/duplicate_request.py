"""The page for an authorization request that was already answered, and is opened again from the history or a tab."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokens.authorize.request_row import AlreadyAnswered
from tokens.models import Client
from tokens.views import failures
from tokens.views.failures import Link

EXPLANATION = gettext_lazy(
    "Nothing was changed. If you are not logged in to the application, start the login there again."
)
WHY = "invalid_request: the client got the answer to this authorization request more than 10 seconds ago."


def page(request: HttpRequest, answered: AlreadyAnswered) -> HttpResponse:
    """Return the page, with status 410, for a request that was already answered.

    It has links to the client's site and to the user's account. `answered` names the client and its redirect URI.
    """
    client = Client.objects.filter(client_id=answered.client_id).first()
    home = _home(answered.redirect_uri)
    links = [Link(home, _("Go to %(client)s") % {"client": client})] if client and home else []
    return failures.page(request, 410, EXPLANATION, *links, Link(resolve_url("account"), _("Your account")), why=WHY)


def _home(redirect_uri: str) -> str:
    """Return the root URL of the client's site, or "" if the redirect URI leads to an application on the device."""
    parts = urlsplit(redirect_uri)
    is_site = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "localhost")
    return f"{parts.scheme}://{parts.netloc}/" if is_site else ""
