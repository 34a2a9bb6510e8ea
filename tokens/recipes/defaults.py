"""The options of a registration that follow from a recipe and from the options of the operator. Pure.

- An option of the operator replaces the recipe's option. A list of scopes or redirect URIs is replaced as a whole.
- If the operator gives no redirect URIs, those of the recipe are used, with the operator's site in place of SITE.
- If the operator gives no scopes, those of the recipe are used without SCOPE, the scope of the example API.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tokens.recipes.example import SCOPE, SITE
from tokens.recipes.overview import KINDS
from tokens.recipes.schema import InvalidRecipe, Recipe, Step


class MissingValue(Exception):
    """The recipe needs a value that only the operator knows, or the operator gave a value that the recipe fixes.

    The message names the option.
    """


def step_of(recipe: Recipe, command: str, variant: str) -> Step:
    """Return the step of the recipe (a command with its options) that registers the program.

    `command` is `create_client` or `create_api`. Raises InvalidRecipe if the recipe needs the other command, or has no
    variant with the name `variant`.
    """
    if variant and variant not in recipe.variants:
        hint = f"Known are {', '.join(recipe.variants)}." if recipe.variants else "It has none."
        raise InvalidRecipe(f"{recipe.name} has no variant {variant}. {hint}")
    expected = "create_api" if recipe.kind == "resource server" else "create_client"
    step = recipe.step(command, variant)
    if expected != command or step is None:
        raise InvalidRecipe(f"{recipe.name} {KINDS[recipe.kind]}: use manage.py {expected} --for {recipe.name}")
    return step


def site_of(step: Step, operator_options: Mapping[str, Any]) -> str:
    """Return the origin of the operator's program, which replaces SITE in the addresses of the recipe.

    This is the option `site`. If it is missing, and a redirect URI of the recipe contains SITE, this is the origin of
    the operator's first redirect URI. Returns "" in any other case.
    """
    if operator_options.get("site"):
        return str(operator_options["site"]).rstrip("/")
    if any(SITE in uri for uri in step.options.get("redirect_uris", ())) and operator_options.get("redirect_uris"):
        address = urlsplit(operator_options["redirect_uris"][0])
        return f"{address.scheme}://{address.netloc}"
    return ""


def client_options(recipe: Recipe, step: Step, operator_options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe's options for `create_client`, overridden by the options that the operator set.

    Raises MissingValue if the recipe needs an option that the operator did not set, or fixes the client_id and the
    operator set one.
    """
    site, wanted = site_of(step, operator_options), dict(step.options)
    if "client_id" in operator_options and "client_id" in wanted:
        raise MissingValue(
            f"the configuration of {recipe.name} names the client {wanted['client_id']}: omit --client-id"
        )
    wanted["name"] = recipe.title
    wanted["scopes"] = [scope for scope in wanted.get("scopes", ()) if scope != SCOPE]
    for name in ("redirect_uris", "post_logout_redirect_uris", "origins"):
        if name not in operator_options:
            wanted[name] = _addresses(recipe, wanted.get(name, ()), site)
    if "jwks" in wanted and not (operator_options.get("jwks") or operator_options.get("jwks_uri")):
        raise MissingValue(f"{recipe.name} authenticates with its own key: add --jwks FILE, its public keys")
    wanted.pop("jwks", None)
    options = {**wanted, **operator_options}
    if recipe.kind == "machine" and not (options["scopes"] or options.get("apis")):
        raise MissingValue(f"{recipe.name} requests a scope of your API: add --scope NAME")
    return options


def _addresses(recipe: Recipe, examples: Sequence[str], site: str) -> list[str]:
    """Return the example addresses with `site` in place of SITE. Raises MissingValue if `site` is needed but empty."""
    needs_site = [example for example in examples if SITE in example]
    if needs_site and not site:
        raise MissingValue(f"{recipe.name} needs its address: add --site {SITE}, or --redirect-uri {needs_site[0]}")
    return [example.replace(SITE, site) for example in examples]


def unusual_redirect_uris(step: Step, operator_options: Mapping[str, Any]) -> list[str]:
    """Return the operator's redirect URIs that differ in path from every redirect URI of the recipe.

    If the recipe's step has no redirect URIs, returns an empty list.
    """
    paths = {urlsplit(uri).path for uri in step.options.get("redirect_uris", ())}
    return [uri for uri in operator_options.get("redirect_uris", ()) if paths and urlsplit(uri).path not in paths]


def api_options(recipe: Recipe, step: Step, operator_options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe's options for `create_api`, overridden by the options that the operator set.

    Raises MissingValue if the recipe's identifier is an example URL and the operator set no identifier.
    """
    identifier = str(step.options["identifier"])
    if "identifier" not in operator_options and identifier.startswith("https://"):
        raise MissingValue(f"{recipe.name} needs the API's identifier: add --identifier, such as {identifier}")
    scopes = list(dict(step.options.get("scopes", {})).items())
    return {**step.options, "name": recipe.title, "scopes": scopes, **operator_options}


def own_client(recipe: Recipe, operator_options: Mapping[str, Any], client_id: str | None) -> Mapping[str, Any] | None:
    """Return the options of the recipe's step that registers `client_id`, the introspection client of the recipe's API.

    Returns None if the API has no such client (`client_id` is None or empty), or if the operator named a client.
    """
    if "client" in operator_options or not client_id:
        return None
    return next(step.options for step in recipe.steps if step.options.get("client_id") == client_id)
