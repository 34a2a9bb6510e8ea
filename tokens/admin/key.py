"""Signing keys in the admin, and a button that revokes a key.

- Rows are read-only. Private halves are not shown.
- The button "Revoke" needs the permission `revoke_key`. The button opens a page that states the consequences, computed
  by a dry run. Only that page's form revokes the key.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, gettext_lazy

from tokens.admin.inspection import inspect_page
from tokens.admin.key_step import PROBLEMS, refused, require, revoke_key
from tokens.admin.read_only import ReadOnly
from tokens.admin.token_link import TokenFields
from tokens.keys import store
from tokens.keys.rules import lifecycle
from tokens.models.key import SigningKey
from tokens.page_text import translated


class ReasonForm(forms.Form):
    """The form that confirms a revocation: its reason, and the administrator's consent to an outage."""

    reason = forms.CharField(
        max_length=200,
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Stored with the key and in the audit trail."),
    )
    accept_outage = forms.BooleanField(
        required=False, label=gettext_lazy("Accept that new tokens might be refused until then")
    )


@admin.register(SigningKey)
class SigningKeyAdmin(TokenFields, ReadOnly):
    """The admin page of signing keys, with the current phase of each. The private halves are never shown."""

    list_display = ["kid", "ring", "phase", "announced_at", "signs_at", "withdraw_at"]
    token_fields = {"kid": "kid", "public_jwk": ""}
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

    @admin.display(description=gettext_lazy("phase"))
    def phase(self, row: SigningKey) -> str:
        """Return the key's current phase, computed from the dates of all keys of its key ring."""
        keys = [stored.key for stored in store.load(row.ring.name)]
        key = next(key for key in keys if key.kid == row.kid)
        return translated(lifecycle.phase(key, keys, now=store.database_now()))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page of the key, with the button "Revoke" if the administrator may revoke keys."""
        permission = {"may_revoke": request.user.has_perm("tokens.revoke_key")}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | permission)

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the consequences of a revocation, or revoke the key if the form with a reason is submitted.

        Needs the permission `revoke_key`.
        """
        require(request, "tokens.revoke_key")
        key = get_object_or_404(SigningKey.objects.select_related("ring"), pk=pk)
        form = ReasonForm(request.POST or None)
        try:
            if request.method == "POST" and form.is_valid():
                revocation = revoke_key(request, key, dry_run=False, **form.cleaned_data)
                messages.success(request, str(revocation))
                return HttpResponseRedirect(reverse("admin:tokens_ring_change", args=[key.ring_id]))
            consequence = revoke_key(request, key, dry_run=True, reason="")
        except PROBLEMS as error:
            return refused(request, error, "admin:tokens_signingkey_change", pk)
        if consequence.outage_until is None:
            del form.fields["accept_outage"]  # there is no outage to accept
        context = {"key": key, "form": form, "consequence": consequence, "title": gettext("Revoke a signing key")}
        context |= self.admin_site.each_context(request)
        return TemplateResponse(request, "admin/tokens/signingkey/revoke.html", context)
