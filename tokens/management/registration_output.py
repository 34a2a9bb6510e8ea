"""Formats the output of `create_client` and `create_api` as JSON or lines of text. Reads no database and no setting."""

from collections.abc import Iterator
from typing import Any

from tokens.management.recipe_options import Chosen
from tokens.models import Client
from tokens.models.client_choices import SECRET_METHODS
from tokens.recipes.example import RealValues
from tokens.registration.result import ApiResult, ClientResult

NO_SECRET = {
    Client.CLIENT_PUBLIC: "(none: a public client cannot keep a secret; PKCE protects its authorization codes)",
    Client.CLIENT_CONFIDENTIAL: "(none: the client authenticates with its own key)",
}


def client_json(result: ClientResult, chosen: Chosen | None, values: RealValues) -> dict[str, Any]:
    """Return the client for JSON. With a recipe, also return the program's configuration with the real `values`."""
    members = {"client_id": result.client.client_id, "client_secret": result.secret, "created": result.created}
    if chosen is None:
        return members
    return members | {
        "recipe": chosen.recipe.name,
        "less_strict": looser(result, chosen),
        "configuration": [part.as_dict() for part in chosen.configuration(values)],
    }


def client_lines(result: ClientResult, chosen: Chosen | None, values: RealValues) -> Iterator[str]:
    """Yield the client as lines.

    With a recipe, also yields the settings that are less strict than the default, the version of the program with which
    the recipe was tried, the program's configuration, and the commands that the operator still has to run. If the
    program needs verified e-mail addresses, also yields a line that says so.
    """
    yield f"client_id      {result.client.client_id}{'' if result.created else '  (already registered, unchanged)'}"
    yield f"client_secret  {result.secret or without_secret(result)}"
    if chosen is None:
        return
    for sentence in looser(result, chosen):
        yield f"less strict    {sentence}"
    if chosen.recipe.needs_verified_email:
        yield "needs          a verified e-mail address of each user (admin, Users)"
    yield f"seen with      {chosen.recipe.version}"
    yield from chosen.printed(values)


def looser(result: ClientResult, chosen: Chosen) -> list[str]:
    """Return a sentence for each setting, of the client or of the recipe, that is less strict than the default."""
    return [*result.less_strict, *filter(None, [chosen.recipe.loosens])]


def without_secret(result: ClientResult) -> str:
    """Return why no secret is printed. This text stands in place of the secret."""
    if not result.created and result.client.token_endpoint_auth_method in SECRET_METHODS:
        return "(unchanged: the client was registered before; to add a secret, run client_secret)"
    return NO_SECRET[result.client.client_type]


def api_json(result: ApiResult, chosen: Chosen | None, values: RealValues) -> dict[str, Any]:
    """Return the API for JSON. With a recipe, also return the introspection client and the program's configuration."""
    members = {"identifier": result.api.identifier, "scopes": list(result.scopes), "created": result.created}
    if chosen is None:
        return members
    return members | {
        "recipe": chosen.recipe.name,
        "client_id": result.client_id or None,
        "client_secret": result.secret or None,
        "configuration": [part.as_dict() for part in chosen.configuration(values)],
    }


def api_lines(result: ApiResult, chosen: Chosen | None, values: RealValues) -> Iterator[str]:
    """Yield the API as lines. With a recipe, also yield the introspection client and the program's configuration."""
    if not result.created:
        yield "already registered, unchanged"
    yield f"identifier  {result.api.identifier}"
    yield f"scopes      {' '.join(result.scopes) or '(none)'}"
    if chosen is None:
        return
    if result.client_id:
        yield f"client_id   {result.client_id}"
        yield f"secret      {result.secret or '(unchanged: to add a secret, run client_secret)'}"
    yield f"seen with   {chosen.recipe.version}"
    yield from chosen.printed(values)
