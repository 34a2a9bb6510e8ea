"""/accounts/applications/: lists the applications that the user allowed, and withdraws the access of an application."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from tokens.account import client_access
from tokens.account.client_access import Access, Application
from tokens.authorize import consent_text
from tokens.keys import keyring
from tokens.models import Client, User
from tokens.revoking import access
from tokens.views.pages import ACCOUNT_HEADERS, log_in_first, private


@dataclass(frozen=True, slots=True)
class AccessWords:
    """The permissions of an application at one API, in the words of the consent page."""

    api: str
    words: list[str]


@dataclass(frozen=True, slots=True)
class Listed:
    """An application that the user allowed, as the page lists it."""

    application: Application
    places: list[AccessWords]


@require_http_methods(["GET", "HEAD", "POST"])
def _applications(request: HttpRequest) -> HttpResponse:
    """List the applications that the user allowed, or withdraw the access of one of them."""
    if not request.user.is_authenticated:
        return log_in_first(request.path)
    if request.method == "POST":
        return _withdraw(request, request.user)
    now = keyring.estimated_clock(now=timezone.now())
    listed = [_listed(application) for application in client_access.applications(request.user, now=now)]
    context = {"applications": listed, "withdrawn": request.GET.get("withdrawn") == "1"}
    return render(request, "account/applications.html", context)


def _withdraw(request: HttpRequest, user: User) -> HttpResponse:
    """Withdraw the access of the client that the form names. Then redirect to the list."""
    named = request.POST.get("withdraw", "")
    client = Client.objects.filter(client_id=named).first() if "\0" not in named else None
    now = keyring.estimated_clock(now=timezone.now())
    is_done = client is not None and access.withdraw(user, client, now=now)
    query = f"?{urlencode({'withdrawn': 1})}" if is_done else ""
    return HttpResponse(status=303, headers={"Location": reverse("account_applications") + query})


def _listed(application: Application) -> Listed:
    return Listed(
        application, [_words(place) for place in sorted(application.accesses.values(), key=lambda place: place.api)]
    )


def _words(place: Access) -> AccessWords:
    """Describe what the user allowed at one API (`place`), in the words of the consent page."""
    scopes = [scope.description for scope in consent_text.describe_known(sorted(place.scopes))]
    claims = [claim["description"] for claim in consent_text.describe_claims(sorted(place.claims))]
    return AccessWords(place.api, [*scopes, *claims])


applications = private(_applications, headers=ACCOUNT_HEADERS)
