"""The pages that add a client by its kind: "What is it?", a form for that kind, and how to use the client.

1. `choose` shows the kinds of tokens/registration/kinds.py.
2. `add` asks for the values that the kind needs, and registers the client by the function that `create_client` calls.
3. The answer shows the secret once, and blocks of code to paste. The answer is not a redirect: a redirect would have
   to carry the secret in the session, and sessions are stored.
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_lazy

from tokens import conf
from tokens.admin import client_program, client_rights, events
from tokens.admin.client_snippet import Values, blocks
from tokens.admin.scope_choice import ScopeField
from tokens.keys import store
from tokens.models import Api, Client
from tokens.registration import api as apis
from tokens.registration import kinds
from tokens.registration.client import Registration, register
from tokens.registration.kinds import ClientKind
from tokens.views.pages import ADMIN_HEADERS

ADDRESSES = forms.Textarea(attrs={"rows": 3, "cols": 60})


class KindForm(forms.Form):
    """The form for a new client of one kind, such as a web application. It has only the fields that the kind needs."""

    name = forms.CharField(
        max_length=255, label=gettext_lazy("Name"), help_text=gettext_lazy("Shown to users on the consent page.")
    )
    redirect_uris = forms.CharField(
        widget=ADDRESSES,
        label=gettext_lazy("Redirect URIs"),
        help_text=gettext_lazy("Where the browser goes after the login, each on a line. Compared exactly."),
    )
    post_logout_redirect_uris = forms.CharField(
        required=False,
        widget=ADDRESSES,
        label=gettext_lazy("Addresses after the logout"),
        help_text=gettext_lazy("Where the browser may go after the logout, each on a line."),
    )
    scopes = ScopeField(
        required=False,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy("What the client may request at APIs, and no more."),
    )
    api = forms.ModelChoiceField(
        Api.objects.order_by("name"),
        label=gettext_lazy("API"),
        help_text=gettext_lazy("The API that introspects its tokens. Its client is replaced if it has one."),
    )

    def __init__(self, data: Any = None, *, kind: ClientKind) -> None:
        super().__init__(data, initial={"redirect_uris": kind.redirect_uris})
        for name in set(self.fields) - {"name", *kind.asks}:
            del self.fields[name]
        self.kind = kind

    def registration(self) -> Registration:
        """Return the registration that the form describes."""
        data, kind = self.cleaned_data, self.kind
        redirect_uris = self.words("redirect_uris")
        logout = {"post_logout_redirect_uris": " ".join(self.words("post_logout_redirect_uris"))}
        return Registration(
            name=data["name"],
            grants=kind.grants,
            public=kind.is_public,
            redirect_uris=redirect_uris,
            scopes=[scope.name for scope in data.get("scopes", ())],
            policy=kinds.policy(kind, redirect_uris) | logout,
        )

    def words(self, name: str) -> Sequence[str]:
        """Return the addresses that were typed into the field `name`. Returns [] if the form lacks the field."""
        return str(self.cleaned_data.get(name, "")).split()

    def refuse(self, error: ValidationError) -> None:
        """Show each problem of `error` at its field, or above the form if the form lacks that field."""
        for name, problems in error.message_dict.items():
            for problem in problems:
                self.add_error(name if name in self.fields else None, problem)


def choose(request: HttpRequest) -> HttpResponse:
    """Show the kinds of clients to choose from. Raises PermissionDenied if the administrator may not add clients."""
    _require(request)
    shown = [(kind.name, gettext(kind.title), gettext(kind.description)) for kind in kinds.KINDS]
    context = admin.site.each_context(request) | {
        "title": gettext("What is it?"),
        "kinds": shown,
        "topics": client_program.by_topic(),
    }
    return TemplateResponse(request, "admin/tokens/client/choose_kind.html", context, headers=ADMIN_HEADERS)


def add(request: HttpRequest, kind: str) -> HttpResponse:
    """Show the form for a client of this kind. If a valid form was sent, register the client and show how to use it.

    Raises Http404 for an unknown kind. Raises PermissionDenied if the administrator may not add clients, or if the kind
    links the client to an API and the administrator may not change APIs.
    """
    _require(request)
    if (chosen := kinds.BY_NAME.get(kind)) is None:
        raise Http404
    if "api" in chosen.asks and not request.user.has_perm("tokens.change_api"):
        raise PermissionDenied  # the client is linked to the API
    form = KindForm(request.POST or None, kind=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            return _added(request, form)
        except ValidationError as error:
            form.refuse(error)
    context = admin.site.each_context(request) | {
        "title": gettext(chosen.title),
        "description": gettext(chosen.description),
        "form": form,
        "media": form.media,
    }
    return TemplateResponse(request, "admin/tokens/client/add_kind.html", context, headers=ADMIN_HEADERS)


def _added(request: HttpRequest, form: KindForm) -> HttpResponse:
    """Register the client, and return the page with the client's secret.

    If the form names an API, also links the client to this API.

    Raises ValidationError if a value is refused, or if the client has a special right that the administrator may not
    give. Raises RegistryLocked if another transaction prevents the change.
    """
    actor, now, registration = events.actor(request), store.database_now(), form.registration()
    client_rights.refuse(registration, request.user.has_perm)
    client, secret = register(registration, actor=actor, now=now)
    if (api := form.cleaned_data.get("api")) is not None:
        apis.link(api, client, actor=actor, now=now)
    values = Values(
        issuer=conf.issuer().url,
        client_id=client.client_id,
        secret=secret,
        redirect_uris=form.words("redirect_uris"),
        post_logout_redirect_uris=form.words("post_logout_redirect_uris"),
        scopes=[scope.name for scope in form.cleaned_data.get("scopes", ())],
    )
    return secret_page(request, client, secret, title=gettext("Client added"), snippets=blocks(form.kind, values))


def secret_page(
    request: HttpRequest, client: Client, secret: str | None, *, title: str, snippets: Sequence[object] = ()
) -> HttpResponse:
    """Return the page with the client's ID, the new secret (if any) and code to paste. Caches do not store the page."""
    context = {
        **admin.site.each_context(request),
        "title": title,
        "client": client,
        "secret": secret,
        "snippets": snippets,
    }
    return TemplateResponse(request, "admin/tokens/client/secret.html", context, headers=ADMIN_HEADERS)


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm("tokens.add_client"):
        raise PermissionDenied
