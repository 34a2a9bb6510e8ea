"""/accounts/everywhere/: a user ends all own sessions and revokes all tokens that were issued in the user's name."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tokens.audit import trail
from tokens.revoking import everywhere
from tokens.views.pages import ACCOUNT_HEADERS, log_in_first, private


@require_http_methods(["GET", "HEAD", "POST"])
def _log_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Show what will end, and end it when the user confirms."""
    if not request.user.is_authenticated:
        return log_in_first(request.path)
    if request.method != "POST":
        return render(request, "account/everywhere.html")
    user = f"user:{request.user.get_username()}"
    with transaction.atomic():  # the audit trail must not say more or less than what ended
        everywhere.log_out(request.user, "logged out everywhere")
        everywhere.withdraw_consents(request.user)
        trail.record("user.logged_out_everywhere", actor=user, subject=user, now=timezone.now())
    request.session.flush()
    return render(request, "account/everywhere.html", {"done": True})


log_out_everywhere = private(_log_out_everywhere, headers=ACCOUNT_HEADERS)
