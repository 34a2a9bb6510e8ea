"""The admin page of APIs and their scopes."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Field, JSONField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from tokens.admin.events import Audited, changes, record
from tokens.admin.input_names import NamedRows
from tokens.admin.scope_form import ScopeForm
from tokens.admin.token_link import TokenFields
from tokens.keys import store
from tokens.models import Api, Scope
from tokens.page_text import translated
from tokens.registration.api import SWITCHES, algorithm_problem


def switch(name: str, label: Any) -> forms.BooleanField:
    """Return a form field that shows the API's nullable boolean column `name` as one checkbox."""
    field = cast("Field[Any, Any]", Api._meta.get_field(name))
    return forms.BooleanField(required=False, label=label, help_text=field.help_text)


class ApiForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """The form of an API. Each nullable boolean column is shown as one checkbox."""

    # By default, Django shows a nullable switch as a choice of yes, no and unknown.
    introspection_names_user = switch("introspection_names_user", gettext_lazy("Introspection names the user"))
    lists_audience = switch("lists_audience", gettext_lazy("Audience as a list"))
    gets_groups = switch("gets_groups", gettext_lazy("Groups in access tokens"))
    dangerously_issues_typ_jwt = switch("dangerously_issues_typ_jwt", gettext_lazy("DANGEROUS: tokens of the type JWT"))

    def clean_algorithms(self) -> Any:
        """Return the signature algorithms that the API accepts, as chosen in the form.

        Raises ValidationError if a key ring that signs tokens for the API uses an algorithm that is not chosen.
        """
        algorithms = self.cleaned_data["algorithms"]
        if self.instance.pk and isinstance(algorithms, list):  # the model's validator refuses any other type
            problem = algorithm_problem(self.instance.identifier, algorithms, now=store.database_now())
            if problem:
                raise forms.ValidationError(translated(problem))
        return algorithms


class ScopeInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The inline table with the scopes of an API."""

    model = Scope
    form = ScopeForm
    formset = NamedRows
    extra = 1


@admin.register(Api)
class ApiAdmin(TokenFields, Audited):
    """The admin page of an API and its scopes.

    The fields `ring` and `moves_at` are read-only, because the command `rotate_keys --move` sets them.
    """

    form = ApiForm
    noun = "api"
    list_display = ["name", "identifier"]
    token_fields = {"identifier": "aud"}
    search_fields = ["name", "identifier"]
    fields = [
        *("name", "identifier", "max_token_lifetime", "client", "introspection_names_user", "lists_audience"),
        *("gets_groups", "dangerously_issues_typ_jwt", "algorithms", "ring", "moves_at"),
    ]
    readonly_fields = ["ring", "moves_at"]
    inlines = [ScopeInline]
    raw_id_fields = ["client"]  # a list of 100,000 clients would take seconds to load
    formfield_overrides = {JSONField: {"widget": forms.Textarea(attrs={"rows": 2})}}

    def name(self, obj: Api) -> str:
        """Return the API's identifier."""
        return obj.identifier

    def creation_details(self, form: Any) -> dict[str, Any]:
        """Return the details of the audit event for a new API: its name, and the switches that are on."""
        return {"name": form.instance.name} | {name: True for name in SWITCHES if form.cleaned_data[name]}

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        """Save the scopes, and record an event for each scope that was created, changed or deleted."""
        super().save_formset(request, form, formset, change)
        api = {"api": form.instance.identifier}
        forms = {scope_form.instance.pk: scope_form for scope_form in formset.initial_forms}
        for scope in formset.new_objects:
            record(request, "scope.created", f"scope:{scope.name}", api)
        for scope, _ in formset.changed_objects:
            record(request, "scope.changed", f"scope:{scope.name}", api | changes(forms[scope.pk]))
        for scope in formset.deleted_objects:
            record(request, "scope.deleted", f"scope:{scope.name}", api)
