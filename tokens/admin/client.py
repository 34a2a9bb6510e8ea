"""Clients in the admin: register a client, and create, revoke and expire its secrets.

- A new secret is shown once, in the answer to the form that created it. Only its hash is stored.
- Secrets are revoked by the functions that the command `client_secret` calls. Each function records an audit event.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, gettext_lazy

from tokens.admin import client_activity, client_kind, client_program, events
from tokens.admin.client_form import ClientForm
from tokens.admin.client_layout import FIELDSETS
from tokens.admin.client_rights import may_change
from tokens.admin.client_secret import SecretInline, end
from tokens.admin.events import Audited
from tokens.admin.long_list import PrefixSearch
from tokens.admin.revoke_all import may_revoke_all, revoke_all_page
from tokens.admin.token_link import TokenFields
from tokens.jose import public_keys
from tokens.keys import store
from tokens.models import Client
from tokens.page_text import translated
from tokens.registration import less_strict, secret_rotation
from tokens.registration.client import created_row
from tokens.registration.secret_rotation import SecretEnded
from tokens.revoking import access, bulk

DECIDED_ELSEWHERE = (
    *("client_type", "grants", "scopes", "apis", "redirect_uris", "allowed_origins"),
    *("require_pushed_authorization_requests", "require_signed_request_object"),
    *("token_endpoint_auth_method", "client_jwks", "client_jwks_uri", "dpop_bound_access_tokens"),
    *("backchannel_logout_uri", "backchannel_logout_session_required", "id_token_signed_response_alg"),
)
"""The fields of a self-registered client that its document, its registration or the settings decide."""
SECRET_ATTRIBUTE = "_client_secret"  # noqa: S105 (a name, not a secret)
"""The attribute of the request that carries a new secret from `save_model` to the response."""

SHOWN = ("registered_by", "recipe", "less_strict")
"""The fields that the page of a client shows and that no administrator can change there."""


@admin.register(Client)
class ClientAdmin(TokenFields, PrefixSearch, Audited):
    """The admin page of clients, with a search by name or client_id."""

    noun = "client"
    form = ClientForm
    view_on_site = False  # the toolkit's page of a client is not served
    list_display = ["name", "client_id", "client_type", "registered_by", "is_active", "last_used_on"]
    token_fields = {"client_id": "client_id"}
    list_filter = ["is_active", "client_type", "registered_by"]
    prefixes = ("client_id__startswith", "name__istartswith")
    search_fields = prefixes
    search_help_text = gettext_lazy("The beginning of a name or client ID.")
    actions = ["revoke_tokens", "block"]
    change_list_template = "admin/tokens/client/change_list.html"
    change_form_template = "admin/tokens/client/change_form.html"
    fieldsets = FIELDSETS

    def get_urls(self) -> list[URLPattern]:
        """Return Django's URLs, and the URLs of "revoke all" and of the pages that add a client by kind or program."""
        view = self.admin_site.admin_view
        return [
            path("revoke-all/", view(revoke_all_page), name="tokens_revoke_all"),
            path("new/", view(client_kind.choose), name="tokens_client_choose_kind"),
            path("new/for/<slug:program>/", view(self.add_by_program), name="tokens_client_add_program"),
            path("new/<slug:kind>/", view(self.add_by_kind), name="tokens_client_add_kind"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Redirect to the page "What is it?", on which the administrator chooses the kind of the new client.

        Does not redirect a POST, or a URL with a query. Serves Django's form to add a client instead.
        """
        if request.method == "GET" and not request.GET:
            return HttpResponseRedirect(reverse("admin:tokens_client_choose_kind"))
        return super().add_view(request, *args, **kwargs)

    def add_by_kind(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Show the form for a client of this kind. If a valid form was sent, register the client.

        Answers 503 if another transaction prevents the registration.
        """
        return self._bounded(client_kind.add, request, kind)

    def add_by_program(self, request: HttpRequest, program: str) -> HttpResponse:
        """Show the form for a program's client. If a valid form was sent, register the client.

        Answers 503 if another transaction prevents the registration. Raises PermissionDenied if the administrator may
        not add clients.
        """
        if not request.user.has_perm("tokens.add_client"):
            raise PermissionDenied
        return self._bounded(client_program.add, request, program)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the clients, with the button "Revoke everything" for superusers."""
        permission = {"may_revoke_all": may_revoke_all(request)}
        return super().changelist_view(request, (extra_context or {}) | permission)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the client's page.

        If the administrator may view the audit trail, the page lists the client's latest events.
        """
        client = self.get_object(request, object_id)
        may_view = request.user.has_perm("tokens.view_auditevent")
        recent = {"activity": client_activity.of(client.client_id)} if client is not None and may_view else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | recent)

    def creation_details(self, form: Any) -> Mapping[str, Any] | None:
        """Return the properties of the new client, for the audit event of its creation. Never returns None."""
        return created_row(form.instance, form.cleaned_data["scopes"], form.cleaned_data["apis"])

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the form. It refuses each special right (`client_rights`) that the administrator may not give."""
        form = super().get_form(request, obj, *args, **kwargs)
        return type("DelegatedClientForm", (form,), {"user": request.user})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may change clients, and may grant each special right that `obj` has.

        `obj` is a client. If it is None, special rights are not checked.
        """
        return super().has_change_permission(request, obj) and (obj is None or may_change(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True if the administrator may delete clients, and may give the special rights of the client `obj`.

        If `obj` is None, special rights are not checked.
        """
        return super().has_delete_permission(request, obj) and (obj is None or may_change(request, obj))

    def get_inlines(self, _request: HttpRequest, obj: Any = None) -> Any:
        """Return the inline table of the client's secrets, or [] if the client is new."""
        return [SecretInline] if obj else []

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields that cannot be changed, such as the client_id of an existing client.

        For a self-registered client, the result includes the fields that the client's metadata document, its
        registration or the settings determine.
        """
        # Tokens, user grants and the audit trail name a client by its client_id.
        if obj and obj.registered_by:
            return [*SHOWN, "client_id", *DECIDED_ELSEWHERE]
        return [*SHOWN, "client_id"] if obj else [*SHOWN]

    @admin.display(description=gettext_lazy("less strict"))
    def less_strict(self, obj: Client) -> str:
        """Return a text that lists the settings of this client that are less strict than the defaults, or "nothing"."""
        return " ".join(map(translated, less_strict.sentences(obj))) or gettext("nothing")

    @admin.action(description=gettext_lazy("Revoke every token of the selected clients"), permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Revoke the tokens and user grants of each client. The clients stay registered and can request new tokens."""
        clients = list(queryset)
        bulk.revoke_clients(clients, reason="revoked in the admin", actor=events.actor(request))
        self.message_user(
            request,
            gettext("Clients whose tokens were revoked: %(number)s.") % {"number": len(clients)},
            messages.SUCCESS,
        )

    @admin.action(description=gettext_lazy("Block the selected clients"), permissions=["change"])
    def block(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Disable each client, and revoke the client's tokens. A self-registered client cannot enable itself again."""
        actor, now = events.actor(request), store.database_now()
        blocked = access.disable_clients(list(queryset), reason="blocked in the admin", actor=actor, now=now)
        message = gettext("Clients that were blocked: %(number)s.") % {"number": blocked}
        self.message_user(request, message, messages.SUCCESS)

    def name(self, obj: Client) -> str:
        """Return the client's client_id."""
        return obj.client_id

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: Any) -> None:
        """Save the client, and show a warning for each public key that cannot be used.

        If the client authenticates with a secret, also create a secret if the form requests one or none is stored.
        """
        super().save_model(request, obj, form, change)
        for warning in public_keys.skipped(obj.client_jwks) if obj.client_jwks else ():
            self.message_user(request, translated(warning), messages.WARNING)
        needs_secret = form.cleaned_data.get("new_secret") or not obj.secrets.exists()
        if needs_secret and secret_rotation.refusal(obj) is None:
            actor = events.actor(request)
            setattr(request, SECRET_ATTRIBUTE, secret_rotation.add(obj, actor=actor, now=store.database_now()))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:  # noqa: ARG002
        """Set the expiry dates that were changed in the form, and revoke the secrets that are marked in the form.

        Shows an error for each of these secrets that has ended already.
        """
        # Sets formset.changed_objects only. `end` saves each secret with its event, under a lock.
        formset.save(commit=False)
        actor = events.actor(request)
        for secret, changed in formset.changed_objects:
            try:
                end(secret, changed, actor=actor, now=store.database_now())
            except SecretEnded as error:  # by another request, after the form was validated
                self.message_user(request, translated(error), messages.ERROR)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        """Return the page with the new secret if the request created one, or else Django's response."""
        return self._secret_page(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Client) -> HttpResponse:
        """Return the page with the new secret if the request created one, or else Django's response."""
        return self._secret_page(request, obj) or super().response_change(request, obj)

    def _secret_page(self, request: HttpRequest, client: Client) -> HttpResponse | None:
        """Return the page that shows the new secret, or None if the request created no secret."""
        secret = getattr(request, SECRET_ATTRIBUTE, None)
        if secret is None:
            return None
        # Shown in this response, because a redirect would need the secret in the session, which is stored.
        return client_kind.secret_page(request, client, secret, title=gettext("Client secret"))
