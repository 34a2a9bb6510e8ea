"""Exchange policies in the admin: which client may pass which user's token on to which API, with which scopes."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from tokens.audit import record
from tokens.models import ExchangePolicy


class ExchangePolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """One policy."""

    class Meta:
        model = ExchangePolicy
        fields = ["client", "api", "scopes"]

    def clean(self) -> dict[str, Any]:
        """Refuse a scope of another API: it would allow nothing, and seem to."""
        data = super().clean() or {}
        foreign = [scope.name for scope in data.get("scopes", ()) if scope.api != data.get("api")]
        if foreign:
            self.add_error("scopes", f"Not a scope of this API: {', '.join(foreign)}.")
        return data


@admin.register(ExchangePolicy)
class ExchangePolicyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """Policies, found by client or API."""

    form = ExchangePolicyForm
    list_display = ["client", "api"]
    search_fields = ["client__client_id", "client__name", "api__identifier"]
    filter_horizontal = ["scopes"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Keep in the audit trail what is allowed now."""
        super().save_related(request, form, formsets, change)
        policy = form.instance
        details = {"api": policy.api.identifier, "scopes": [scope.name for scope in policy.scopes.all()]}
        actor = f"user:{request.user.get_username()}"
        subject = f"client:{policy.client.client_id}"
        record("exchange_policy.changed", actor=actor, subject=subject, details=details, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Each one as if deleted alone."""
        for policy in queryset:
            self.delete_model(request, policy)

    def delete_model(self, request: HttpRequest, obj: ExchangePolicy) -> None:
        """Keep in the audit trail what is no longer allowed."""
        details = {"api": obj.api.identifier, "scopes": []}
        actor = f"user:{request.user.get_username()}"
        subject = f"client:{obj.client.client_id}"
        super().delete_model(request, obj)
        record("exchange_policy.deleted", actor=actor, subject=subject, details=details, now=timezone.now())
