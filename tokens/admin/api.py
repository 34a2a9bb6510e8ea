"""APIs and their scopes in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import JSONField
from django.http import HttpRequest

from tokens.admin.events import Audited, changes, record
from tokens.keys import store, transfer
from tokens.models import Api, Ring, Scope


class ApiForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """An API."""

    def clean_algorithms(self) -> Any:
        """Refuse to forget an algorithm that signs the API's tokens at this moment."""
        accepted = self.cleaned_data["algorithms"]
        if self.instance.pk and isinstance(accepted, list):  # what else it is, its validator refuses
            rings = transfer.trusted(self.instance.identifier, now=store.database_now())
            for ring in Ring.objects.filter(name__in=rings).exclude(algorithm__in=accepted):
                raise forms.ValidationError(
                    f"{ring.algorithm} signs its tokens (ring {ring.name}): move it to another ring first."
                )
        return accepted


class ScopeInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The scopes that an API owns."""

    model = Scope
    extra = 1


@admin.register(Api)
class ApiAdmin(Audited):
    """An API with its scopes."""

    form = ApiForm
    noun = "api"
    list_display = ["name", "identifier"]
    search_fields = ["name", "identifier"]
    fields = ["name", "identifier", "max_token_lifetime", "client", "algorithms", "ring", "moves_at"]
    readonly_fields = ["ring", "moves_at"]
    inlines = [ScopeInline]
    formfield_overrides = {JSONField: {"widget": forms.Textarea(attrs={"rows": 2})}}

    def name(self, obj: Api) -> str:
        """Its identifier."""
        return obj.identifier

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        """Save the scopes, and tell each that was made, changed or deleted."""
        super().save_formset(request, form, formset, change)
        api, forms = {"api": form.instance.identifier}, {one.instance.pk: one for one in formset.initial_forms}
        for scope in formset.new_objects:
            record(request, "scope.created", f"scope:{scope.name}", api)
        for scope, _ in formset.changed_objects:
            record(request, "scope.changed", f"scope:{scope.name}", api | changes(forms[scope.pk]))
        for scope in formset.deleted_objects:
            record(request, "scope.deleted", f"scope:{scope.name}", api)
