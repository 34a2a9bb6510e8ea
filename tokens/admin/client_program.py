"""The admin page that registers a program, such as JupyterHub, as a client, and shows the program's configuration.

Each program has a recipe (`tokens.recipes`), which is a file with the options of the client and the configuration.

1. `by_topic` lists the programs on the page "What is it?".
2. `add` asks for the program's address, scopes and keys if the recipe needs them.
3. The answer shows the secret once, the settings that are less strict than the default, and the configuration to paste.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_lazy

from tokens import conf
from tokens.admin import client_rights, events
from tokens.admin.scope_choice import ScopeField
from tokens.jose import key_text
from tokens.jose.public_keys import UnusableKey
from tokens.keys import store
from tokens.models import Client
from tokens.page_text import translated
from tokens.recipes import catalog, configuration, defaults
from tokens.recipes.defaults import MissingValue
from tokens.recipes.example import SITE, RealValues
from tokens.recipes.schema import InvalidRecipe, Recipe
from tokens.registration import less_strict, option_columns
from tokens.registration.client import Registration, api_of, register
from tokens.views.pages import ADMIN_HEADERS


@dataclass(frozen=True, slots=True)
class ProgramBlock:
    """A block of the program's configuration to paste, and the title of the block."""

    title: str
    text: str


class ProgramForm(forms.Form):
    """The form to register a program, such as JupyterHub, as a client.

    It asks for the values that the program's recipe needs.
    """

    name = forms.CharField(
        max_length=255, label=gettext_lazy("Name"), help_text=gettext_lazy("Shown to users on the consent page.")
    )
    site = forms.URLField(
        label=gettext_lazy("Address of the application"),
        assume_scheme="https",
        help_text=gettext_lazy("Scheme and host. The recipe knows the paths of the redirect URIs."),
    )
    jwks = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 6, "cols": 60}),
        label=gettext_lazy("Public keys"),
        help_text=gettext_lazy("A JWKS, a JWK or PEM: the program authenticates with its own key."),
    )
    scopes = ScopeField(
        required=False,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy("What the client may request at APIs, and no more."),
    )

    def __init__(self, data: Any = None, *, recipe: Recipe) -> None:
        super().__init__(data, initial={"name": recipe.title})
        self.recipe, self.step = recipe, defaults.step_of(recipe, "create_client", "")
        options = self.step.options
        addresses = [uri for name in ("redirect_uris", "origins") for uri in options.get(name, ())]
        if not any(SITE in uri for uri in addresses):
            del self.fields["site"]
        if "jwks" not in options:
            del self.fields["jwks"]

    def clean_jwks(self) -> object:
        """Return the pasted public keys as a JWKS. Raises ValidationError if the keys are unusable."""
        try:
            return key_text.read(self.cleaned_data["jwks"])
        except UnusableKey as error:
            raise ValidationError(translated(error)) from error

    def registration(self) -> Registration:
        """Return the registration of the client, from the options in the program's recipe and the values in the form.

        Raises MissingValue if the recipe needs a value that the form lacks.
        """
        options = defaults.client_options(self.recipe, self.step, self.operator_options())
        fields = {name: options[name] for name in option_columns.REGISTRATION if name in options}
        further = {"userinfo_by_api_tokens": True, "recipe": self.recipe.name}
        return Registration(**fields, policy=option_columns.policy(options) | further)

    def operator_options(self) -> dict[str, Any]:
        """Return the options that the operator entered, by their names in a recipe. Leaves out empty values."""
        data = self.cleaned_data
        chosen = {"name": data["name"], "scopes": [scope.name for scope in data.get("scopes", ())]}
        return {name: value for name, value in (data | chosen).items() if value}


def by_topic() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return, for each topic, the name and title of each program whose recipe describes a client.

    Leaves out resource servers. Returns [] if a recipe is malformed.
    """
    try:
        recipes = [
            recipe for recipe in catalog.recipes(conf.issuer().recipes).values() if recipe.kind != "resource server"
        ]
    except InvalidRecipe:
        return []  # `manage.py recipes` names the file and the field
    ordered = sorted(recipes, key=lambda recipe: (recipe.topic, recipe.title.casefold()))
    return [
        (gettext(topic), [(recipe.name, recipe.title) for recipe in group])
        for topic, group in groupby(ordered, lambda recipe: recipe.topic)
    ]


def add(request: HttpRequest, program: str) -> HttpResponse:
    """Show the form for the program named `program`. If a valid form was sent, register the client.

    After the registration, the page shows the client's secret and the configuration of the program. Raises Http404 if
    there is no recipe for the program.
    """
    try:
        recipe = catalog.find(program, conf.issuer().recipes)
        form = ProgramForm(request.POST or None, recipe=recipe)
    except InvalidRecipe as error:
        raise Http404 from error
    if request.method == "POST" and form.is_valid():
        try:
            return _added(request, form)
        except MissingValue as error:
            form.add_error(None, translated(error))
        except ValidationError as error:
            for name, problems in error.message_dict.items():
                form.add_error(name if name in form.fields else None, problems)
    context = admin.site.each_context(request) | {
        "title": recipe.title,
        "description": recipe.summary,
        "form": form,
        "media": form.media,
    }
    return TemplateResponse(request, "admin/tokens/client/add_kind.html", context, headers=ADMIN_HEADERS)


def _added(request: HttpRequest, form: ProgramForm) -> HttpResponse:
    """Register the client that the form describes. Return the page with the client's secret and the configuration.

    Raises ValidationError if the administrator lacks a permission or the client breaks a rule. Raises MissingValue if
    the recipe needs a value that the form lacks.
    """
    registration = form.registration()
    client_rights.refuse(registration, request.user.has_perm)
    client, secret = register(registration, actor=events.actor(request), now=store.database_now())
    context = admin.site.each_context(request) | {
        "title": gettext("Client added"),
        "client": client,
        "secret": secret,
        "snippets": _blocks(form, client, secret),
        "notes": _notes(form.recipe, client),
    }
    return TemplateResponse(request, "admin/tokens/client/secret.html", context, headers=ADMIN_HEADERS)


def _notes(recipe: Recipe, client: Client) -> Sequence[str]:
    """Return notes to show with the new client, as texts.

    The notes name each setting of the client that is less strict than the default, and contain the recipe's own note
    (`loosens`). If the recipe needs verified e-mail addresses, a further note says so.
    """
    needs = [gettext("Each user needs a verified e-mail address.")] if recipe.needs_verified_email else []
    return [*map(translated, less_strict.sentences(client)), *filter(None, [recipe.loosens]), *needs]


def _blocks(form: ProgramForm, client: Client, secret: str | None) -> list[ProgramBlock]:
    """Return the blocks of configuration in the program's recipe, with the client's values filled in.

    The values are, for example, the client_id, the `secret` and the scopes.
    """
    operator_options: Mapping[str, Any] = form.operator_options()
    values = RealValues(
        issuer=conf.issuer().url,
        site=defaults.site_of(form.step, operator_options),
        client_id=client.client_id,
        secret=secret or "",
        scopes=operator_options.get("scopes", ()),
        api=api_of(client),
    )
    parts = configuration.parts(form.recipe, values)
    return [
        ProgramBlock(part.file or part.text or part.heading or part.language, part.code) for part in parts if part.code
    ]
