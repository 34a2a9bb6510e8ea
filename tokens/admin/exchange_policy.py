"""Exchange policies in the admin: which client may pass which user's token on to which API, with which scopes."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from tokens.admin.events import Audited, record
from tokens.models import ExchangePolicy
from tokens.registration import exchange_policy


class ExchangePolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """One policy."""

    class Meta:
        model = ExchangePolicy
        fields = ["client", "api", "scopes"]

    def clean(self) -> dict[str, Any]:
        """Refuse a scope of another API: it would allow nothing, and seem to."""
        data = super().clean() or {}
        if foreign := exchange_policy.foreign(data.get("scopes", ()), data.get("api")):
            self.add_error("scopes", f"Not a scope of this API: {', '.join(foreign)}.")
        return data


@admin.register(ExchangePolicy)
class ExchangePolicyAdmin(Audited):
    """Policies, found by client or API. What is done to one is an event of its client."""

    noun = "exchange_policy"
    form = ExchangePolicyForm
    list_display = ["client", "api"]
    search_fields = ["client__client_id", "client__name", "api__identifier"]
    filter_horizontal = ["scopes"]

    def made(self, form: Any) -> Mapping[str, Any]:
        """What is allowed from now on."""
        return {"scopes": [scope.name for scope in form.cleaned_data["scopes"]]}

    def record(self, request: HttpRequest, done: str, obj: Any, details: Mapping[str, Any] | None = None) -> None:
        """Keep what was done by the client that may exchange tokens, and with the API that it may do so for."""
        told = {"api": obj.api.identifier, **(details or {})}
        record(request, f"{self.noun}.{done}", f"client:{obj.client.client_id}", told)
