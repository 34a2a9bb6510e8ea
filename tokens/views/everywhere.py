"""/accounts/everywhere/: a user ends every session, and every token that was issued in their name."""

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from tokens import audit
from tokens.oauth import everywhere
from tokens.views.pages import private


@private
@require_http_methods(["GET", "HEAD", "POST"])
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Say what will end; end it when that was answered."""
    if not request.user.is_authenticated:
        query = urlencode({REDIRECT_FIELD_NAME: request.path})
        return HttpResponse(status=302, headers={"Location": f"{resolve_url(settings.LOGIN_URL)}?{query}"})
    if request.method != "POST":
        return render(request, "account/everywhere.html")
    who = f"user:{request.user.get_username()}"
    with transaction.atomic():
        everywhere.log_out(request.user, "logged out everywhere")
        everywhere.withdraw_consents(request.user)
        audit.record("user.logged_out_everywhere", actor=who, subject=who, now=timezone.now())
    request.session.flush()
    return render(request, "account/everywhere.html", {"done": True})
