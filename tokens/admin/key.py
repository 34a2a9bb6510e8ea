"""Rings and signing keys in the admin: a picture of each ring, and two buttons that call what the commands call.

The rows themselves are read-only. Planning a switch needs the permission `rotate_key`, revoking `revoke_key`; either
states its consequence on a page of its own, and happens only after that page was answered.
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
    """A ring as a picture, with the timings in force and the button that plans the next switch."""

    list_display = ["name", "algorithm", "keystore"]
    fields = ["name", "algorithm", "bits", "keystore"]
    change_form_template = "admin/tokens/ring/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Django's pages of a ring, and the one that plans a switch."""
        rotating = path("<int:pk>/rotate/", self.admin_site.admin_view(self.rotate), name="tokens_ring_rotate")
        return [rotating, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The ring's page with its picture."""
        ring = Ring.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        drawn = _drawn(ring) if ring else {}
        allowed = {"may_rotate": request.user.has_perm("tokens.rotate_key")}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | drawn | allowed)

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what a switch now would do; do it when that was answered."""
        _require(request, "tokens.rotate_key")
        ring = get_object_or_404(Ring, pk=pk)
        try:
            outcome = _rotate(request, ring, pretend=request.method != "POST")
        except PROBLEMS as error:
            return _refused(request, error, "admin:tokens_ring_change", pk)
        if request.method == "POST":
            messages.success(request, _said(outcome))
            return HttpResponseRedirect(reverse("admin:tokens_ring_change", args=[pk]))
        context = self.admin_site.each_context(request) | {
            "ring": ring,
            "outcome": outcome,
            "title": "Rotate now (safely)",
        }
        return TemplateResponse(request, "admin/tokens/ring/rotate.html", context)


class ReasonForm(forms.Form):
    """Why a key is revoked, and whether tokens may be refused meanwhile."""

    reason = forms.CharField(max_length=200, help_text="Kept with the key and in the audit trail.")
    accept_outage = forms.BooleanField(required=False, label="Tokens may be refused meanwhile")


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly):
    """The keys of every ring with their phase at this moment; no private material."""

    list_display = ["kid", "ring", "phase", "announced_at", "signs_at", "withdraw_at"]
    list_filter = ["ring"]
    search_fields = ["kid"]
    exclude = ["mac", "sealed"]
    readonly_fields = ["phase"]
    change_form_template = "admin/tokens/signingkey/change_form.html"
    change_list_template = "admin/tokens/signingkey/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SigningKey]:
        """Newest first, without the sealed halves: nothing here needs them."""
        return super().get_queryset(request).select_related("ring").order_by("-announced_at").defer("sealed", "mac")

    def get_urls(self) -> list[URLPattern]:
        """Django's pages of a key, the one that revokes it, and the one that looks at what it signed."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/revoke/", view(self.revoke), name="tokens_signingkey_revoke"),
            path("inspect/", view(inspect_page), name="tokens_inspect"),
            *super().get_urls(),
        ]

    @admin.display(description="phase")
    def phase(self, row: SigningKey) -> str:
        """Where the key is in its life, computed from the dates."""
        keys = [one.key for one in store.load(row.ring.name)]
        key = next(key for key in keys if key.kid == row.kid)
        return lifecycle.phase(key, keys, now=store.database_now()).value

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The key's page, with the button for whoever may revoke."""
        allowed = {"may_revoke": request.user.has_perm("tokens.revoke_key")}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | allowed)

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what revoking would break and until when; do it when that was answered with a reason."""
        _require(request, "tokens.revoke_key")
        key = get_object_or_404(SigningKey.objects.select_related("ring"), pk=pk)
        form = ReasonForm(request.POST or None)
        try:
            if request.method == "POST" and form.is_valid():
                done = _revoke(request, key, pretend=False, **form.cleaned_data)
                messages.success(request, str(done))
                return HttpResponseRedirect(reverse("admin:tokens_ring_change", args=[key.ring_id]))
            consequence = _revoke(request, key, pretend=True, reason="")
        except PROBLEMS as error:
            return _refused(request, error, "admin:tokens_signingkey_change", pk)
        if consequence.outage_until is None:
            del form.fields["accept_outage"]
        context = {"key": key, "form": form, "consequence": consequence, "title": "Revoke a signing key"}
        context |= self.admin_site.each_context(request)
        return TemplateResponse(request, "admin/tokens/signingkey/revoke.html", context)


def _drawn(ring: Ring) -> dict[str, Any]:
    keys, now, policy = [one.key for one in store.load(ring.name)], store.database_now(), adoption.assumed(ring)
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
    return rotate(ring.name, early=True, dry_run=pretend, **_given(request))


def _revoke(
    request: HttpRequest, key: SigningKey, *, reason: str, pretend: bool, accept_outage: bool = False
) -> KeyRevocation:
    return revoke(key.kid, reason=reason, dry_run=pretend, accept_outage=accept_outage, **_given(request))


def _given(request: HttpRequest) -> dict[str, Any]:
    settings, actor = conf.issuer(), f"user:{request.user.get_username()}"
    return {
        "policy": settings.key_policy,
        "encryption_keys": settings.encryption_keys(),
        "actor": actor,
        "now": timezone.now(),
    }


def _said(outcome: Outcome) -> str:
    return f"{outcome.message} {outcome.at:%Y-%m-%d %H:%M:%S} UTC" if outcome.at else outcome.message


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _refused(request: HttpRequest, error: Exception, page: str, pk: int) -> HttpResponse:
    messages.error(request, f"Nothing was changed: {error}")
    return HttpResponseRedirect(reverse(page, args=[pk]))
