"""/accounts/everywhere/: a user ends all sessions, and revokes all tokens that were issued in the user's name."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tokens.revoking import access
from tokens.views.pages import ACCOUNT_HEADERS, log_in_first, private


@require_http_methods(["GET", "HEAD", "POST"])
def _log_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Show what will end, and end it when the user confirms."""
    if not request.user.is_authenticated:
        return log_in_first(request.path)
    if request.method != "POST":
        return render(request, "account/everywhere.html")
    access.log_out_by_user(request.user, now=timezone.now())
    request.session.flush()
    return render(request, "account/everywhere.html", {"done": True})


log_out_everywhere = private(_log_out_everywhere, headers=ACCOUNT_HEADERS)
