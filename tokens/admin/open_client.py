"""Self-registered clients and initial access tokens in the admin.

- The state of a self-registered client is read-only. Administrators can block the client on the page "Clients".
- A new initial access token is shown once, in the answer to the form that created it. Only its hash is stored.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_lazy

from tokens.admin import events
from tokens.admin.events import Audited
from tokens.admin.input_names import name_inputs
from tokens.admin.long_list import LongList
from tokens.admin.read_only import ReadOnly
from tokens.keys import store
from tokens.models import InitialAccessToken, OpenClient
from tokens.open_clients import initial_token

TOKEN_ATTRIBUTE = "_initial_token"  # noqa: S105 (a name, not a token)
"""The attribute of the request that carries a new token from `save_model` to the response."""


@admin.register(OpenClient)
class OpenClientAdmin(LongList, ReadOnly):
    """The page of self-registered clients.

    The list shows when the metadata document of a client was fetched, or with which initial access token the client
    registered.
    """

    list_display = ["client", "registered_by", "created_at", "fetched_at", "fresh_until", "failure", "initial_token"]
    list_filter = ["client__registered_by", "client__is_active"]
    list_select_related = ["client", "initial_token"]
    search_fields = ["client__client_id", "client__name"]
    exclude = ["token_digest"]

    @admin.display(description=gettext_lazy("registered by"))
    def registered_by(self, obj: OpenClient) -> str:
        """Return the way in which the client was registered, as a translated text."""
        return obj.client.get_registered_by_display()


class InitialAccessTokenForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """The form for a new initial access token."""

    class Meta:
        model = InitialAccessToken
        fields = ["note", "registrations_left", "expires_at"]
        labels = {"registrations_left": gettext_lazy("number of registrations")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "expires_at" in self.fields:  # Django shows a stored token without a form
            name_inputs(self.fields["expires_at"], str(self.fields["expires_at"].label))

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data. Adds an error for an expiry in the past or an invalid number of registrations."""
        data = super().clean() or {}
        if {"registrations_left", "expires_at"} <= data.keys():
            try:
                initial_token.judge(data["registrations_left"], data["expires_at"], now=store.database_now())
            except ValidationError as error:
                self.add_error(None, error)
        return data


@admin.register(InitialAccessToken)
class InitialAccessTokenAdmin(Audited):
    """The admin page of initial access tokens, which creates a token or revokes selected tokens."""

    noun = "initial_token"
    form = InitialAccessTokenForm
    list_display = ["note", "hint", "created_at", "expires_at", "registrations_left", "revoked_at"]
    search_fields = ["note"]
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False for a stored token. For the list, return Django's answer."""
        # A token never changes after it was created.
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False. Administrators revoke tokens instead."""
        return False  # `purge_tokens` deletes them after they expired

    def name(self, obj: InitialAccessToken) -> str:
        """Return the token's id and hint."""
        return initial_token.subject(obj).partition(":")[2]

    def save_model(self, request: HttpRequest, obj: InitialAccessToken, _form: Any, _change: Any) -> None:
        """Create the initial access token, and record its audit event."""
        actor = events.actor(request)
        setattr(request, TOKEN_ATTRIBUTE, initial_token.create(obj, actor=actor, now=store.database_now()))

    def response_add(
        self, request: HttpRequest, obj: InitialAccessToken, _post_url_continue: str | None = None
    ) -> HttpResponse:
        """Return the page that shows the text of the new initial access token."""
        # Shown in this response, because a redirect would need the token in the session, which is stored.
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Initial access token"),
            "note": obj.note,
            "token": getattr(request, TOKEN_ATTRIBUTE),
        }
        template = "admin/tokens/initialaccesstoken/token.html"
        return TemplateResponse(request, template, context, headers={"Cache-Control": "no-store"})

    @admin.action(description=gettext_lazy("Revoke the selected tokens"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[InitialAccessToken]) -> None:
        """Revoke each selected token. Clients that were registered with one of the tokens stay registered."""
        actor, now = events.actor(request), store.database_now()
        revoked = [initial_token.revoke(token, actor=actor, now=now) for token in queryset.order_by("pk")]
        message = gettext("Tokens that were revoked: %(number)s.") % {"number": sum(revoked)}
        self.message_user(request, message, messages.SUCCESS)
