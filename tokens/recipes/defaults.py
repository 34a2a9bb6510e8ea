"""The options of a registration that follow from a recipe and from what the operator gave. Pure.

- An option of the operator wins over the recipe's. Scopes and redirect URIs of the operator replace the examples.
- Without redirect URIs of the operator, the recipe's are used with the operator's site in place of the example.
- A scope of the example API is left out if the operator names none.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tokens.recipes.example import SCOPE, SITE
from tokens.recipes.overview import KINDS
from tokens.recipes.schema import InvalidRecipe, Recipe, Step


class MissingValue(Exception):
    """The recipe needs a value that only the operator knows. The message names the option."""


def step_of(recipe: Recipe, command: str, variant: str) -> Step:
    """Return the step that registers the program. Raises InvalidRecipe if the recipe is for another command."""
    if variant and variant not in recipe.variants:
        known = f"Known are {', '.join(recipe.variants)}." if recipe.variants else "It has none."
        raise InvalidRecipe(f"{recipe.name} has no variant {variant}. {known}")
    expected = "create_api" if recipe.kind == "resource server" else "create_client"
    step = recipe.step(command, variant)
    if expected != command or step is None:
        raise InvalidRecipe(f"{recipe.name} {KINDS[recipe.kind]}: use manage.py {expected} --for {recipe.name}")
    return step


def site_of(step: Step, given: Mapping[str, Any]) -> str:
    """Return the site of the application: the option `site`, or scheme and host of its first redirect URI, or ""."""
    if given.get("site"):
        return str(given["site"]).rstrip("/")
    if any(SITE in uri for uri in step.options.get("redirect_uris", ())) and given.get("redirect_uris"):
        address = urlsplit(given["redirect_uris"][0])
        return f"{address.scheme}://{address.netloc}"
    return ""


def client_options(recipe: Recipe, step: Step, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of create_client. `given` has those that the operator gave.

    Raises MissingValue if the recipe needs an option that the operator did not give.
    """
    site, wanted = site_of(step, given), dict(step.options)
    if "client_id" in given and "client_id" in wanted:
        raise MissingValue(
            f"the configuration of {recipe.name} names the client {wanted['client_id']}: omit --client-id"
        )
    wanted["name"] = recipe.title
    wanted["scopes"] = [scope for scope in wanted.get("scopes", ()) if scope != SCOPE]
    for name in ("redirect_uris", "post_logout_redirect_uris", "origins"):
        if name not in given:
            wanted[name] = _addresses(recipe, wanted.get(name, ()), site)
    if "jwks" in wanted and not (given.get("jwks") or given.get("jwks_uri")):
        raise MissingValue(f"{recipe.name} authenticates with its own key: add --jwks FILE, its public keys")
    wanted.pop("jwks", None)
    options = {**wanted, **given}
    if recipe.kind == "machine" and not (options["scopes"] or options.get("apis")):
        raise MissingValue(f"{recipe.name} requests a scope of your API: add --scope NAME")
    return options


def _addresses(recipe: Recipe, examples: Sequence[str], site: str) -> list[str]:
    """Return the addresses at the operator's site. Raises MissingValue if it is not known."""
    needs_site = [example for example in examples if SITE in example]
    if needs_site and not site:
        raise MissingValue(f"{recipe.name} needs its address: add --site {SITE}, or --redirect-uri {needs_site[0]}")
    return [example.replace(SITE, site) for example in examples]


def unusual_redirect_uris(step: Step, given: Mapping[str, Any]) -> list[str]:
    """Return the operator's redirect URIs whose path is not one of the recipe's."""
    paths = {urlsplit(uri).path for uri in step.options.get("redirect_uris", ())}
    return [uri for uri in given.get("redirect_uris", ()) if paths and urlsplit(uri).path not in paths]


def api_options(recipe: Recipe, step: Step, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of create_api. `given` has those that the operator gave.

    Raises MissingValue if the recipe's identifier is an example URL and the operator gave none.
    """
    identifier = str(step.options["identifier"])
    if "identifier" not in given and identifier.startswith("https://"):
        raise MissingValue(f"{recipe.name} needs the API's identifier: add --identifier, such as {identifier}")
    scopes = list(dict(step.options.get("scopes", {})).items())
    return {**step.options, "name": recipe.title, "scopes": scopes, **given}
