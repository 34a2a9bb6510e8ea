"""/accounts/sessions/: a user sees the sessions of all browsers, and ends one of them or all others."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from tokens.account import browser_session
from tokens.account.device_name import Device, device
from tokens.keys import keyring, store
from tokens.models import BrowserSession, User
from tokens.views.pages import ACCOUNT_HEADERS, log_in_first, private
from tokens.views.session_record import visit

SHOWN = 100
"""Sessions that the page lists, and that one form ends: a user can have thousands, and a request has its time."""
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session on the page."""

    session: BrowserSession
    device: Device
    is_current: bool


@require_http_methods(["GET", "HEAD", "POST"])
def _sessions(request: HttpRequest) -> HttpResponse:
    """List the user's sessions, or end those that the form names."""
    user = request.user
    if not user.is_authenticated:
        return log_in_first(request.path)
    now = keyring.estimated_clock(now=timezone.now())
    # A session from before the upgrade has no row yet.
    browser_session.record(request.session, visit(request, user), now=now)
    if request.method == "POST":
        return _end(request, user)
    own = browser_session.current(request.session)
    rows = [SessionRow(one, device(one.user_agent), str(one.pk) == own) for one in browser_session.live(user)[:SHOWN]]
    rows.sort(key=lambda row: not row.is_current)
    return render(request, "account/sessions.html", {"rows": rows, "ended": _number(request.GET.get("ended", ""))})


def _end(request: HttpRequest, user: User) -> HttpResponse:
    """End the named session, or all but this one. Then show the list again, by GET."""
    own, chosen = browser_session.current(request.session), request.POST.get("end", "")
    others = browser_session.live(user).exclude(pk=own).values_list("pk", flat=True)
    rows = [str(pk) for pk in others[:SHOWN]] if chosen == OTHERS else [chosen]
    ended = browser_session.end(user, [row for row in rows if row != own], now=store.database_now())
    location = f"{reverse('account_sessions')}?{urlencode({'ended': len(ended)})}"
    return HttpResponse(status=303, headers={"Location": location})


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else None


sessions = private(_sessions, headers=ACCOUNT_HEADERS)
