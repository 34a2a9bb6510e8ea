"""Key rings in the admin: a picture of each ring, and a button that plans the switch to the next key.

- Rows are read-only.
- The button "Rotate now" needs the permission `rotate_key`. The button opens a page that states the consequences,
  computed by a dry run. Only that page's form plans the switch.
"""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext

from tokens.admin.key_picture import picture
from tokens.admin.key_step import PROBLEMS, refused, require, rotate_ring
from tokens.admin.read_only import ReadOnly
from tokens.admin.token_link import expected, link
from tokens.keys import adoption, store
from tokens.keys.operation import Outcome
from tokens.keys.rules import lifecycle
from tokens.keys.rules.timeline import next_step, timeline
from tokens.keys.trust import utc
from tokens.models.key import Ring, SigningKey
from tokens.page_text import translated


@admin.register(Ring)
class RingAdmin(ReadOnly):
    """The admin page of a key ring: a picture, the timings, and the button that plans the next switch."""

    list_display = ["name", "algorithm", "keystore"]
    fields = ["name", "algorithm", "bits", "keystore"]
    change_form_template = "admin/tokens/ring/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Return Django's URLs of a key ring, and the URL of the page that plans a switch."""
        rotating = path("<int:pk>/rotate/", self.admin_site.admin_view(self.rotate), name="tokens_ring_rotate")
        return [rotating, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the key ring with its picture. Show the button "Rotate now" to administrators who may rotate keys."""
        ring = Ring.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        details = _picture_context(ring) if ring else {}
        permission = {"may_rotate": request.user.has_perm("tokens.rotate_key")}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | details | permission)

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what a switch would do, or plan the switch if the form is confirmed.

        Needs the permission `rotate_key`.
        """
        require(request, "tokens.rotate_key")
        ring = get_object_or_404(Ring, pk=pk)
        try:
            outcome = rotate_ring(request, ring, dry_run=request.method != "POST")
        except PROBLEMS as error:
            return refused(request, error, "admin:tokens_ring_change", pk)
        if request.method == "POST":
            messages.success(request, _sentence(outcome))
            return HttpResponseRedirect(reverse("admin:tokens_ring_change", args=[pk]))
        context = self.admin_site.each_context(request) | {
            "ring": ring,
            "outcome": outcome,
            "sentence": _sentence(outcome),
            "title": gettext("Rotate now (safely)"),
        }
        return TemplateResponse(request, "admin/tokens/ring/rotate.html", context)


def _picture_context(ring: Ring) -> dict[str, Any]:
    """Return the variables for the page of the ring: the picture, the next step, and the keys with links."""
    # The database's clock, as rotation uses it: the picture must not show a switch that has not happened.
    keys, now = [stored.key for stored in store.load(ring.name)], store.database_now()
    policy = adoption.assumed(ring)
    lines = timeline(keys, policy=policy, now=now)
    step, at = next_step(keys, policy=policy, now=now)
    rows = {row.kid: row.pk for row in SigningKey.objects.filter(ring=ring).only("kid")}
    return {
        "picture": picture(lines, next_step=at, now=now),
        "keys": [(line, rows[line.kid], link(expected("kid", line.kid))) for line in reversed(lines)],
        "step": step,
        "step_at": at,
        "overdue": lifecycle.overdue(keys, policy=policy, now=now) if keys else False,
        "drawn_at": now,
        "timings": sorted(ring.policy.items()),
    }


def _sentence(outcome: Outcome) -> str:
    message = translated(outcome.message)
    return f"{message} {utc(outcome.at)}" if outcome.at else message
