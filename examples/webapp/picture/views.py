"""The views of the HTML page with the picture.

The page shows the HTTP request and response of the selected arrow. Its buttons send requests that the API refuses.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from examples.webapp import login, notes, settings
from examples.webapp.picture import checks, drawing, mask, steps
from examples.webapp.picture.breaks import BREAKS, EXPIRED
from examples.webapp.picture.exchange import Exchange
from examples.webapp.picture.middleware import COOKIE
from examples.webapp.picture.recorder import RECORDER, Flow

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Show the picture of the flow, a diagram whose arrows are HTTP requests.

    If the query string names an arrow, also show its request and response.
    """
    flow = _flow(request)
    arrows = steps.draw(flow.exchanges)
    api = flow.exchanges.get("api")
    context = {
        "flow": flow,
        "lines": drawing.lines(arrows),
        "lifelines": drawing.lifelines(),
        "width": drawing.WIDTH,
        "height": drawing.height(len(arrows)),
        "checks": (judged := checks.judge(api.status, api.challenge) if api else ()),
        "refused": next((check for check in judged if check.state == checks.REFUSED), None),
        "api": api,
        "expires_at": _time_of_day(request.session.get("expires_at")),
        "issuer": settings.ISSUER_URL,
        "problem": request.GET.get("problem") == "1",
        **_detail(request.GET.get("arrow", ""), flow.exchanges),
    }
    response = render(request, "picture/flow.html", context)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = POLICY
    return response


@require_safe
def version(request: HttpRequest) -> JsonResponse:
    """Return the number of exchanges of this browser that were recorded so far, as JSON.

    The script of the page polls this view to notice a new exchange.
    """
    return JsonResponse({"version": _flow(request).version}, headers={"Cache-Control": "no-store"})


@require_POST
def break_it(request: HttpRequest) -> HttpResponse:
    """Send the request of the clicked button to the API. Redirect to the picture, which shows the API's answer."""
    how = request.POST.get("how", "")
    if how not in BREAKS:
        return HttpResponseBadRequest(gettext("There is no such button."), content_type="text/plain; charset=utf-8")
    token = request.session.get("access_token") if how == EXPIRED else login.access_token(request)
    if token is None:
        return redirect("flow")
    try:
        sent = BREAKS[how](request, token)
        notes.published_key(str(notes.decode(sent)[0].get("kid")))  # shows the JWKS of now
    except login.FAILURES:
        return redirect(f"{reverse('flow')}?{urlencode({'problem': '1'})}")
    return redirect(f"{reverse('flow')}?{urlencode({'arrow': 'decide'})}")


def _flow(request: HttpRequest) -> Flow:
    return RECORDER.flow(request.COOKIES.get(COOKIE, "")) or Flow()


def _time_of_day(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}" if seconds else ""


def _detail(name: str, exchanges: Mapping[str, Exchange]) -> dict[str, Any]:
    """Return the template's values for the selected arrow `name`.

    The values are the arrow, its exchange, the keys if the exchange is a fetch of the JWKS, and the `kid` of the last
    token that was sent to the API.
    """
    arrow = steps.opened(name)
    exchange = exchanges.get(arrow.kinds[0]) if arrow else None
    api = exchanges.get("api")
    kid = api.token.kid if api and api.token else ""
    keys = _keys(exchange.response_body, kid) if exchange and exchange.kind == "jwks" else ()
    return {"arrow": arrow, "exchange": exchange, "keys": keys, "kid": kid}


def _keys(body: str, kid: str) -> tuple[tuple[str, bool], ...]:
    """Return each key of the JWKS in `body` as JSON text, with True if the key has this `kid`, else False.

    Returns () if the body is not a complete JWKS.
    """
    try:
        keys = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError):
        return ()
    return tuple((mask.mask_text(json.dumps(key, indent=2)), bool(kid) and key.get("kid") == kid) for key in keys)
