"""/accounts/sessions/: lists the user's sessions in all browsers.

The user can end one session, or all sessions except the current one.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from tokens.account import browser_session
from tokens.account.device_name import Device, device
from tokens.account.place import places
from tokens.keys import keyring, store
from tokens.languages import LANGUAGES
from tokens.models import BrowserSession, User
from tokens.views.pages import ACCOUNT_HEADERS, log_in_first, private
from tokens.views.session_record import visit

SHOWN = 100
"""The most sessions that the page lists, and the most that one form ends. More would take a request too long."""
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as the page of sessions lists it."""

    session: BrowserSession
    device: Device
    is_current: bool
    place: str
    """The geographic place of the network address, or ""."""


@require_http_methods(["GET", "HEAD", "POST"])
def _sessions(request: HttpRequest) -> HttpResponse:
    """List the user's sessions, or end the sessions that the form names."""
    user = request.user
    if not user.is_authenticated:
        return log_in_first(request.path)
    now = keyring.estimated_clock(now=timezone.now())
    # A session that began before the upgrade has no record yet.
    browser_session.record(request.session, visit(request, user), now=now)
    if request.method == "POST":
        return _end(request, user)
    own = browser_session.current(request.session)
    listed = browser_session.live(user)[:SHOWN]
    place_names = places({session.address for session in listed}, language=get_language() or LANGUAGES[0])
    rows = [
        SessionRow(session, device(session.user_agent), str(session.pk) == own, place_names.get(session.address, ""))
        for session in listed
    ]
    rows.sort(key=lambda row: not row.is_current)
    return render(request, "account/sessions.html", {"rows": rows, "ended": _number(request.GET.get("ended", ""))})


def _end(request: HttpRequest, user: User) -> HttpResponse:
    """End the sessions that the user chose in the form, but never the current session. Redirect to the list.

    The form names one session, or has the value OTHERS. For OTHERS, at most SHOWN other sessions are ended.
    """
    own, chosen = browser_session.current(request.session), request.POST.get("end", "")
    others = browser_session.live(user).exclude(pk=own).values_list("pk", flat=True)
    rows = [str(pk) for pk in others[:SHOWN]] if chosen == OTHERS else [chosen]
    ended = browser_session.end(user, [row for row in rows if row != own], now=store.database_now())
    location = f"{reverse('account_sessions')}?{urlencode({'ended': len(ended)})}"
    return HttpResponse(status=303, headers={"Location": location})


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else None


sessions = private(_sessions, headers=ACCOUNT_HEADERS)
