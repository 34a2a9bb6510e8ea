"""/accounts/everywhere/: ends all sessions of the user, and revokes all tokens that were issued for the user."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tokens.keys import keyring
from tokens.revoking import access
from tokens.views.pages import ACCOUNT_HEADERS, log_in_first, private


@require_http_methods(["GET", "HEAD", "POST"])
def _log_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Show the page that asks the user to confirm, or log the user out everywhere if the user confirmed."""
    if not request.user.is_authenticated:
        return log_in_first(request.path)
    if request.method != "POST":
        return render(request, "account/everywhere.html")
    access.log_out_everywhere_by_user(request.user, now=keyring.estimated_clock(now=timezone.now()))
    request.session.flush()
    return render(request, "account/everywhere.html", {"done": True})


log_out_everywhere = private(_log_out_everywhere, headers=ACCOUNT_HEADERS)
