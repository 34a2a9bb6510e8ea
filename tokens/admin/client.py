"""Clients in the admin: register one, give it a further secret, end a secret. A secret is shown once, when made."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from tokens.admin.client_form import ClientForm
from tokens.admin.client_secret import SecretInline, end
from tokens.admin.events import Audited
from tokens.admin.revoke_all import may_revoke_all, revoke_all_page
from tokens.jose import public_keys
from tokens.keys import store
from tokens.models import Client
from tokens.registration import secret_rotation
from tokens.registration.secret_rotation import Ended
from tokens.revoking import bulk
from tokens.revoking.bulk import BulkTarget

HIDDEN = "_client_secret"
LIFETIMES = "Lifetimes are written as days and hours:minutes:seconds: 30 00:00:00, or 00:10:00."


@admin.register(Client)
class ClientAdmin(Audited):
    """Clients, found by name or client_id."""

    noun = "client"
    form = ClientForm
    view_on_site = False  # the toolkit's page for it is not served
    list_display = ["name", "client_id", "client_type", "is_active", "last_used_on"]
    list_filter = ["is_active", "client_type"]
    search_fields = ["name", "client_id"]
    filter_horizontal = ["scopes", "apis"]
    actions = ["revoke_tokens"]
    change_list_template = "admin/tokens/client/change_list.html"
    fieldsets = [
        (None, {"fields": ["name", "client_id", "client_type", "is_active"]}),
        (
            "What it may do",
            {
                "description": LIFETIMES,
                "fields": [
                    "grants",
                    "scopes",
                    "apis",
                    "redirect_uris",
                    "allows_undotted_schemes",
                    "access_token_lifetime",
                ],
            },
        ),
        (
            "Users",
            {
                "description": LIFETIMES,
                "fields": [
                    "skip_authorization",
                    "remembers_consent",
                    "post_logout_redirect_uris",
                    "allowed_origins",
                    "always_gets_refresh_token",
                    "rotates_refresh_tokens",
                    "refresh_token_lifetime",
                    "refresh_token_idle_lifetime",
                ],
            },
        ),
        (
            "How it proves who it is",
            {
                "fields": [
                    "token_endpoint_auth_method",
                    "pins_authentication_method",
                    "client_jwks",
                    "client_jwks_uri",
                    "accepts_token_endpoint_audience",
                    "requires_assertion_type",
                ]
            },
        ),
        ("Secrets", {"fields": ["new_secret"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        """Return Django's pages of a client, and the page that revokes everything."""
        revoking = path("revoke-all/", self.admin_site.admin_view(revoke_all_page), name="tokens_revoke_all")
        return [revoking, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the clients, with the button that leads to revoking everything."""
        allowed = {"may_revoke_all": may_revoke_all(request)}
        return super().changelist_view(request, (extra_context or {}) | allowed)

    def get_inlines(self, _request: HttpRequest, obj: Any = None) -> Any:
        """Secrets, where there is a client already."""
        return [SecretInline] if obj else []

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        """A client_id is given once: tokens and logs name it."""
        return ["client_id"] if obj else []

    @admin.action(description="Revoke every token of the selected clients", permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Revoke the tokens and user grants of each client, which stays registered and may ask for new ones."""
        actor = f"user:{request.user.get_username()}"
        clients = list(queryset.order_by("pk"))
        for client in clients:
            bulk.revoke(BulkTarget(client=client), reason="revoked in the admin", actor=actor)
        self.message_user(request, f"Revoked the tokens of {len(clients)} clients.", messages.SUCCESS)

    def name(self, obj: Client) -> str:
        """Its client_id."""
        return obj.client_id

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: Any) -> None:
        """Save the client, with a first secret for a confidential one."""
        super().save_model(request, obj, form, change)
        for warning in public_keys.skipped(obj.client_jwks) if obj.client_jwks else ():
            self.message_user(request, warning, messages.WARNING)
        if secret_rotation.problem(obj) is None and (form.cleaned_data.get("new_secret") or not obj.secrets.exists()):
            actor = f"user:{request.user.get_username()}"
            setattr(request, HIDDEN, secret_rotation.give(obj, actor=actor, now=store.database_now()))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:  # noqa: ARG002
        """End the secrets that were given an end, as the script does; one that ended meanwhile is told."""
        formset.save(commit=False)
        actor = f"user:{request.user.get_username()}"
        for secret, changed in formset.changed_objects:
            try:
                end(secret, changed, actor=actor, now=store.database_now())
            except Ended as error:
                self.message_user(request, str(error), messages.ERROR)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        """The page with the secret, or Django's own answer."""
        return self._secret_page(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Client) -> HttpResponse:
        """The page with the secret, or Django's own answer."""
        return self._secret_page(request, obj) or super().response_change(request, obj)

    def _secret_page(self, request: HttpRequest, client: Client) -> HttpResponse | None:
        """The secret, in the answer to the form itself: it is stored nowhere, and cannot be shown again."""
        secret = getattr(request, HIDDEN, None)
        if secret is None:
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Client secret",
            "client": client,
            "secret": secret,
        }
        return TemplateResponse(
            request, "admin/tokens/client/secret.html", context, headers={"Cache-Control": "no-store"}
        )
