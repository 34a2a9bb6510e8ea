"""Rings and signing keys in the admin: a picture of each ring, and two buttons.

- Rows are read-only. The buttons call the functions that the commands `rotate_keys` and `revoke_key` call.
- "Rotate now" needs the permission `rotate_key`, "Revoke" needs `revoke_key`.
- Each button opens a page that states the consequences, computed by a dry run. Only that page's form changes anything.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from tokens import conf
from tokens.admin.inspection import inspect_page
from tokens.admin.key_picture import picture
from tokens.admin.read_only import ReadOnly
from tokens.encryption import MalformedEncryptionKey
from tokens.keys import adoption, store
from tokens.keys.errors import KeyProblem
from tokens.keys.revocation import revoke
from tokens.keys.rotation import Outcome, rotate
from tokens.keys.rules import lifecycle
from tokens.keys.rules.timeline import next_step, timeline
from tokens.keys.trust import KeyRevocation
from tokens.models.key import Ring, SigningKey

PROBLEMS = (KeyProblem, MalformedEncryptionKey)


@admin.register(Ring)
class RingAdmin(ReadOnly):
    """A ring as a picture, with its timings and the button that plans the next switch."""

    list_display = ["name", "algorithm", "keystore"]
    fields = ["name", "algorithm", "bits", "keystore"]
    change_form_template = "admin/tokens/ring/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Return Django's URLs of a ring, and the URL of the page that plans a switch."""
        rotating = path("<int:pk>/rotate/", self.admin_site.admin_view(self.rotate), name="tokens_ring_rotate")
        return [rotating, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the ring with its picture, and the button for administrators who may rotate keys."""
        ring = Ring.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        details = _picture_context(ring) if ring else {}
        permission = {"may_rotate": request.user.has_perm("tokens.rotate_key")}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | details | permission)

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what a switch would do; plan the switch once the form is confirmed. Raises PermissionDenied."""
        _require(request, "tokens.rotate_key")
        ring = get_object_or_404(Ring, pk=pk)
        try:
            outcome = _rotate(request, ring, pretend=request.method != "POST")
        except PROBLEMS as error:
            return _refused(request, error, "admin:tokens_ring_change", pk)
        if request.method == "POST":
            messages.success(request, _sentence(outcome))
            return HttpResponseRedirect(reverse("admin:tokens_ring_change", args=[pk]))
        context = self.admin_site.each_context(request) | {
            "ring": ring,
            "outcome": outcome,
            "title": "Rotate now (safely)",
        }
        return TemplateResponse(request, "admin/tokens/ring/rotate.html", context)


class ReasonForm(forms.Form):
    """The reason of a revocation, and the administrator's consent to an outage."""

    reason = forms.CharField(max_length=200, help_text="Stored with the key and in the audit trail.")
    accept_outage = forms.BooleanField(required=False, label="Accept that new tokens may be refused until then")


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly):
    """The keys of every ring with their current phase. Never the private halves."""

    list_display = ["kid", "ring", "phase", "announced_at", "signs_at", "withdraw_at"]
    list_filter = ["ring"]
    search_fields = ["kid"]
    exclude = ["mac", "sealed"]
    readonly_fields = ["phase"]
    change_form_template = "admin/tokens/signingkey/change_form.html"
    change_list_template = "admin/tokens/signingkey/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SigningKey]:
        """Return the keys, newest first, without the encrypted private halves."""
        return super().get_queryset(request).select_related("ring").order_by("-announced_at").defer("sealed", "mac")

    def get_urls(self) -> list[URLPattern]:
        """Return Django's URLs of a key, and the URLs of the pages that revoke a key and inspect a token."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/revoke/", view(self.revoke), name="tokens_signingkey_revoke"),
            path("inspect/", view(inspect_page), name="tokens_inspect"),
            *super().get_urls(),
        ]

    @admin.display(description="phase")
    def phase(self, row: SigningKey) -> str:
        """Return the key's current phase, computed from the dates of all keys of its ring."""
        keys = [stored.key for stored in store.load(row.ring.name)]
        key = next(key for key in keys if key.kid == row.kid)
        return lifecycle.phase(key, keys, now=store.database_now()).value

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the key, with the button for administrators who may revoke keys."""
        permission = {"may_revoke": request.user.has_perm("tokens.revoke_key")}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | permission)

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the consequences of a revocation; revoke the key once a reason is given. Raises PermissionDenied."""
        _require(request, "tokens.revoke_key")
        key = get_object_or_404(SigningKey.objects.select_related("ring"), pk=pk)
        form = ReasonForm(request.POST or None)
        try:
            if request.method == "POST" and form.is_valid():
                revocation = _revoke(request, key, pretend=False, **form.cleaned_data)
                messages.success(request, str(revocation))
                return HttpResponseRedirect(reverse("admin:tokens_ring_change", args=[key.ring_id]))
            consequence = _revoke(request, key, pretend=True, reason="")
        except PROBLEMS as error:
            return _refused(request, error, "admin:tokens_signingkey_change", pk)
        if consequence.outage_until is None:
            del form.fields["accept_outage"]  # there is no outage to accept
        context = {"key": key, "form": form, "consequence": consequence, "title": "Revoke a signing key"}
        context |= self.admin_site.each_context(request)
        return TemplateResponse(request, "admin/tokens/signingkey/revoke.html", context)


def _picture_context(ring: Ring) -> dict[str, Any]:
    # The database's clock, as rotation uses it: the picture must not show a switch that has not happened.
    keys, now = [stored.key for stored in store.load(ring.name)], store.database_now()
    policy = adoption.assumed(ring)
    lines = timeline(keys, policy=policy, now=now)
    step, at = next_step(keys, policy=policy, now=now)
    rows = {row.kid: row.pk for row in SigningKey.objects.filter(ring=ring).only("kid")}
    return {
        "picture": picture(lines, next_step=at, now=now),
        "keys": [(line, rows[line.kid]) for line in reversed(lines)],
        "step": step,
        "step_at": at,
        "overdue": lifecycle.overdue(keys, policy=policy, now=now) if keys else False,
        "drawn_at": now,
        "timings": sorted(ring.policy.items()),
    }


def _rotate(request: HttpRequest, ring: Ring, *, pretend: bool) -> Outcome:
    return rotate(ring.name, hurry=True, pretend=pretend, **_edge_arguments(request))


def _revoke(
    request: HttpRequest, key: SigningKey, *, reason: str, pretend: bool, accept_outage: bool = False
) -> KeyRevocation:
    return revoke(key.kid, reason=reason, pretend=pretend, accept_outage=accept_outage, **_edge_arguments(request))


def _edge_arguments(request: HttpRequest) -> dict[str, Any]:
    """Return settings, actor and time for a key operation."""
    settings, actor = conf.issuer(), f"user:{request.user.get_username()}"
    return {
        "policy": settings.key_policy,
        "encryption_keys": settings.encryption_keys(),
        "actor": actor,
        "now": timezone.now(),
    }


def _sentence(outcome: Outcome) -> str:
    return f"{outcome.message} {outcome.at:%Y-%m-%d %H:%M:%S} UTC" if outcome.at else outcome.message


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _refused(request: HttpRequest, error: Exception, page: str, pk: int) -> HttpResponse:
    messages.error(request, f"Nothing was changed: {error}")
    return HttpResponseRedirect(reverse(page, args=[pk]))
