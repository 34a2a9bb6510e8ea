"""Converts the options of `create_client` to the registration of a client."""

from dataclasses import fields
from typing import Any

from tokens.management import login_options
from tokens.registration import kinds, option_columns
from tokens.registration.client import Registration


def registration(options: dict[str, Any], *, recipe: str) -> Registration:
    """Return the registration of the client that the options describe. `recipe` is the recipe's name, or ""."""
    completed = kinds.completed(options)
    names = {field.name for field in fields(Registration) if completed.get(field.name) is not None}
    columns = policy(completed) | ({"recipe": recipe} if recipe else {})
    return Registration(**{name: completed[name] for name in names}, policy=columns)


def policy(options: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of the client that the options set, by name, for the field `Registration.policy`.

    If no option sets a column, the column gets the value that --kind implies, if any. Leaves out columns that are
    fields of Registration, such as the name.
    """
    columns = _policy(options)
    return columns | {name: value for name, value in options.get("kind_policy", {}).items() if not columns.get(name)}


def _policy(options: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that the options set. Does not add the columns that --kind implies."""
    others = {
        "is_active": not options["inactive"],
        "requires_assertion_type": options["strict_assertion_type"],
        "userinfo_by_api_tokens": not options["no_userinfo_by_api_tokens"],
        "remembers_consent": not options["forget_consent"],
        "backchannel_logout_uri": options["backchannel_logout_uri"] or None,
        "backchannel_logout_session_required": options["backchannel_logout_session_required"] or None,
        "dpop_bound_access_tokens": options["dpop"] or None,
        "id_token_signed_response_alg": options["id_token_signed_response_alg"],
        "access_token_lifetime": options["access_token_lifetime"],
        "refresh_token_lifetime": options["refresh_token_lifetime"],
        "refresh_token_idle_lifetime": options["refresh_token_idle_lifetime"],
    }
    return option_columns.policy(options) | login_options.fields(options) | others
