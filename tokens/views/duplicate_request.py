"""The page for an authorization request that was already answered: the back button, a second tab, the history."""

from urllib.parse import urlsplit

from django.http import HttpResponse
from django.shortcuts import resolve_url

from tokens.authorize.request_row import AlreadyAnswered
from tokens.models import Client
from tokens.views import failures
from tokens.views.failures import Link

EXPLANATION = "Nothing was done now. If you are not logged in there, start the login again at the application."


def page(answered: AlreadyAnswered) -> HttpResponse:
    """Return a page with status 410, and links to the client's site and to the user's account."""
    client = Client.objects.filter(client_id=answered.client_id).first()
    home = _home(answered.redirect_uri)
    links = [Link(home, f"Go to {client}")] if client and home else []
    return failures.page(410, EXPLANATION, *links, Link(resolve_url("account"), "Your account"))


def _home(redirect_uri: str) -> str:
    """Return the root of the client's site; "" if the redirect URI leads to an application on the user's device."""
    parts = urlsplit(redirect_uri)
    is_site = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "localhost")
    return f"{parts.scheme}://{parts.netloc}/" if is_site else ""
