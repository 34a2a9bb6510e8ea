"""The fields that a client gets from the `kind` or the `recipe` in its entry of a manifest.

- A field in the entry itself has precedence over a field from the kind or recipe. The caller merges them.
- A recipe contains options of the command `create_client`. OPTIONS maps each option to a field of the manifest.
- The field `program` only stores the name of a recipe. The client gets no field from that recipe. `export` writes
  `program` instead of `recipe`, because it also writes every field that differs from its default.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tokens.models import AuthenticationMethod
from tokens.recipes import catalog, defaults
from tokens.recipes.defaults import MissingValue
from tokens.recipes.schema import InvalidRecipe
from tokens.registration import kinds, option_columns

Refuse = Callable[[str, str], None]
OPTIONS: Mapping[str, str] = {
    **{name: name for name in option_columns.REGISTRATION if name not in {"public", "client_id"}},
    "method": "authentication",
    **option_columns.SWITCHES,
    **option_columns.WORDS,
}
"""The field of a client for each option of a recipe. The options `public` and `client_id` have no field."""


def of_kind(values: Mapping[str, Any], refuse: Refuse) -> dict[str, Any]:
    """Return the fields that the kind of a client implies, such as the grant types.

    `values` are the fields of the client's entry, among them `kind`. If the kind is unknown, calls
    `refuse(field, text)` and returns {}.
    """
    kind = kinds.BY_NAME.get(values["kind"])
    if kind is None:
        refuse("kind", f"there is no kind {values['kind']}; known are {', '.join(kinds.BY_NAME)}")
        return {}
    redirect_uris = values.get("redirect_uris", kind.redirect_uris.split())
    fields: dict[str, Any] = {"grants": list(kind.grants), "redirect_uris": redirect_uris, **kind.policy}
    if kind.is_public:
        fields["authentication"] = AuthenticationMethod.NONE.value
    if kind.calls_from_browser:
        fields["allowed_origins"] = list(kinds.origins(redirect_uris))
    return fields


def of_recipe(client_id: str, values: Mapping[str, Any], site: Path | None, refuse: Refuse) -> dict[str, Any]:
    """Return the fields that the recipe of a client implies. `site` is the folder of the site's own recipes.

    `values` are the fields of the client's entry, among them `recipe`. If there is no such recipe, or if the recipe
    needs a field that the entry lacks, calls `refuse(field, text)` and returns {}. If the recipe requires another
    client_id, calls `refuse` and still returns the fields.
    """
    name, _, variant = values["recipe"].partition("/")
    file_options = {option: values[field] for option, field in OPTIONS.items() if field in values}
    if "site" in values:
        file_options["site"] = values["site"]
    try:
        recipe = catalog.find(name, site)
        step = defaults.step_of(recipe, "create_client", variant)
        options = defaults.client_options(recipe, step, file_options)
    except (InvalidRecipe, MissingValue) as error:
        refuse("recipe", _in_words_of_the_file(str(error)))
        return {}
    if (own := options.get("client_id", client_id)) != client_id:
        refuse("recipe", f"the configuration of {recipe.name} names the client {own}: register it under this name")
    fields = {field: options[option] for option, field in OPTIONS.items() if option in options}
    if options.get("public"):
        fields.setdefault("authentication", AuthenticationMethod.NONE.value)
    return fields


def _in_words_of_the_file(text: str) -> str:
    """Return `text`, an error about a recipe, with each command-line option replaced by the field of the manifest."""
    options = {"--jwks FILE": "jwks", "--site": "site:", "--redirect-uri": "redirect_uris:", "--scope": "scopes:"}
    for option, field in options.items():
        text = text.replace(option, field)
    return text


def as_json(value: Mapping[str, Any]) -> str:
    """Return `value`, a mapping in the manifest, as JSON text."""
    return json.dumps(value)
