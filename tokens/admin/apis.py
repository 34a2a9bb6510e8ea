"""APIs and their scopes in the admin."""

from django.contrib import admin

from tokens.models import Api, Scope


class ScopeInline(admin.TabularInline):  # type: ignore[type-arg]  # a plain class at run time
    """The scopes that an API owns."""

    model = Scope
    extra = 1


@admin.register(Api)
class ApiAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # a plain class at run time
    """An API with its scopes."""

    list_display = ["name", "identifier"]
    search_fields = ["name", "identifier"]
    fields = ["name", "identifier", "max_token_lifetime", "client", "algorithms", "ring", "moves_at"]
    readonly_fields = ["ring", "moves_at"]
    inlines = [ScopeInline]
