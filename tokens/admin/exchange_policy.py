"""Exchange policies (RFC 8693) in the admin: which client may exchange users' tokens for which API and scopes."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from tokens.admin.events import Audited, record
from tokens.admin.scope_choice import ScopeField
from tokens.models import ExchangePolicy
from tokens.registration import exchange_policy
from tokens.registration.delegation import EXCHANGE


class ExchangePolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """The form of an exchange policy."""

    scopes = ScopeField(label=gettext_lazy("Scopes"), help_text=gettext_lazy("The scopes at that API."))

    class Meta:
        model = ExchangePolicy
        fields = ["client", "api", "scopes"]

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data. Adds an error at the field `scopes` if scopes of other APIs are chosen."""
        data = super().clean() or {}
        # The token endpoint would ignore such a scope, although the policy seems to allow it.
        if foreign := exchange_policy.foreign(data.get("scopes", ()), data.get("api")):
            self.add_error("scopes", gettext("Not a scope of this API: %(scopes)s.") % {"scopes": ", ".join(foreign)})
        return data


@admin.register(ExchangePolicy)
class ExchangePolicyAdmin(Audited):
    """The admin page of exchange policies. The subject of an audit event about a policy is the policy's client."""

    noun = "exchange_policy"
    form = ExchangePolicyForm
    list_display = ["client", "api"]
    raw_id_fields = ["client"]  # a list of 100,000 clients would take seconds to load
    search_fields = ["client__client_id", "client__name", "api__identifier"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return True if the administrator may add policies and may also register clients that exchange tokens."""
        return super().has_add_permission(request) and request.user.has_perm(EXCHANGE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may change policies and may also register clients that exchange tokens."""
        return super().has_change_permission(request, obj) and request.user.has_perm(EXCHANGE)

    def creation_details(self, form: Any) -> Mapping[str, Any]:
        """Return the scopes of the new policy, for the audit event of its creation."""
        return {"scopes": [scope.name for scope in form.cleaned_data["scopes"]]}

    def record(self, request: HttpRequest, done: str, obj: Any, details: Mapping[str, Any] | None = None) -> None:
        """Record an audit event about the policy's client. The details include the API of the policy.

        `done` is what was done to the policy, such as `created`.
        """
        with_api = {"api": obj.api.identifier, **(details or {})}
        record(request, f"{self.noun}.{done}", f"client:{obj.client.client_id}", with_api)
