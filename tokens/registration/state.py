"""The registered state of a client or an API, as plain values by field, to compare it or to write it to a file.

- Equal states have equal values. If a nullable switch is None, its value is the default of the switch.
- Fields are named as their columns, except those in NAMES, which have a shorter name in a file.
- Secrets, and values that the issuer itself changes (last use, moves of an API to another key ring), are not part of
  the state.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.db import models

from tokens.authentication_class import MULTI_FACTOR, PHISHING_RESISTANT
from tokens.jose import public_keys
from tokens.jose.public_keys import UnusableKey
from tokens.models import Api, AuthenticationMethod, Client, PkceRule, Scope
from tokens.registration.api import SWITCHES

NAMES = {
    "active": "is_active",
    "authentication": "token_endpoint_auth_method",
    "jwks": "client_jwks",
    "jwks_uri": "client_jwks_uri",
    "second_factor": "required_class",
}
"""Columns of a client that have a shorter name in a file."""
FLAGS = (
    "active", "skip_authorization", "remembers_consent", "pins_authentication_method",
    "accepts_token_endpoint_audience", "requires_assertion_type", "allows_undotted_schemes",
    "allows_any_localhost_port", "require_pushed_authorization_requests", "require_signed_request_object",
    "userinfo_by_api_tokens", "claims_in_id_token", "backchannel_logout_session_required", "dpop_bound_access_tokens",
    "rotates_refresh_tokens", "always_gets_refresh_token",
)  # fmt: skip
WORDS = ("redirect_uris", "post_logout_redirect_uris", "allowed_origins")
"""Columns that contain addresses, separated by spaces."""
SECONDS = ("access_token_lifetime", "refresh_token_lifetime", "refresh_token_idle_lifetime")
NULLABLE = ("backchannel_logout_uri", "security_profile", "id_token_signed_response_alg")
TEXTS = ("name", "authentication", "jwks_uri", "pkce", "second_factor", *NULLABLE)
LISTS = ("grants", "scopes", "apis")
CLIENT_FIELDS = (*TEXTS, *FLAGS, *LISTS, *WORDS, *SECONDS, "jwks")
"""Every field of a client that a file can have."""
API_FIELDS = ("name", "algorithms", "client", "max_token_lifetime", *SWITCHES)
ON = ("active", "remembers_consent", "userinfo_by_api_tokens")
"""The switches that are on by default."""
DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(TEXTS, ""),
    **{name: name in ON for name in FLAGS},
    **dict.fromkeys((*LISTS, *WORDS), ()),
    **dict.fromkeys((*SECONDS, "jwks")),
    "authentication": AuthenticationMethod.SECRET_BASIC.value,
    "pkce": PkceRule.REQUIRED.value,
}
"""The value of each field of a client that a file does not name."""
FACTORS = {"": None, "any": MULTI_FACTOR, "passkey": PHISHING_RESISTANT}
"""The authentication context class for each value of `second_factor`, as in `create_client --second-factor`."""


def of_client(client: Client, scopes: Collection[Scope], apis: Collection[Api]) -> dict[str, Any]:
    """Return the state of a client with these scopes and APIs: a mapping from field to value.

    The client can be unsaved.
    """
    own = {name: _value(name, getattr(client, NAMES.get(name, name))) for name in CLIENT_FIELDS if name not in LISTS}
    return own | {
        "grants": tuple(sorted(client.grants)),
        "scopes": tuple(sorted(scope.name for scope in scopes)),
        "apis": tuple(sorted(api.identifier for api in apis)),
    }


def of_saved_client(client: Client) -> dict[str, Any]:
    """Return the state of a saved client, with the scopes and APIs in the database."""
    return of_client(client, client.scopes.all(), client.apis.all())


def columns(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a client that has this `state`: a mapping from the names of the columns to the values.

    `state` has the fields that `of_client` returns. The scopes and APIs are left out, because they are not columns.
    """
    public = state["authentication"] == AuthenticationMethod.NONE
    texts = {NAMES.get(name, name): state[name] for name in TEXTS}
    return texts | {
        "client_type": Client.CLIENT_PUBLIC if public else Client.CLIENT_CONFIDENTIAL,
        "pkce": None if state["pkce"] == PkceRule.REQUIRED else state["pkce"],
        "required_class": FACTORS.get(state["second_factor"], state["second_factor"]),
        **{name: state[name] or None for name in NULLABLE},
        "grants": list(state["grants"]),
        "client_jwks": state["jwks"],
        **{name: " ".join(state[name]) for name in WORDS},
        **{name: None if (value := state[name]) is None else timedelta(seconds=value) for name in SECONDS},
        **{NAMES.get(name, name): _column(name, on=state[name]) for name in FLAGS},
    }


def of_api(api: Api) -> dict[str, Any]:
    """Return the state of an API without its scopes. The API can be unsaved."""
    lifetime = api.max_token_lifetime
    return {
        "name": api.name,
        "algorithms": tuple(sorted(api.algorithms)),
        "client": api.client.client_id if api.client else "",
        "max_token_lifetime": None if lifetime is None else _seconds(lifetime),
        **{name: bool(getattr(api, name)) for name in SWITCHES},
    }


def of_scope(scope: Scope) -> dict[str, Any]:
    """Return the state of a scope."""
    return {"description": scope.description, "groups": tuple(sorted(scope.groups or ()))}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields whose values differ, each with its value in `before` and in `after`."""
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def text(name: str, value: Any) -> str:
    """Return the value of the field `name` as text, for a person and for the audit trail.

    The text of public keys has the kid and the thumbprint of each key, or is `unusable` if no key can be used.
    """
    if name == "jwks" and value is not None:
        try:
            return ", ".join(public_keys.names(value))
        except UnusableKey:  # registered under older rules
            return "unusable"
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _value(name: str, value: Any) -> Any:
    """Convert `value`, the value of the column of the field `name`, to the plain value of the field."""
    if name in FLAGS:
        return (name in ON) if value is None else bool(value)
    if name in WORDS:
        return tuple(value.split())
    if name in SECONDS:
        return None if value is None else _seconds(value)
    if name == "pkce":
        return value or PkceRule.REQUIRED.value
    if name == "second_factor":
        return next((word for word, name in FACTORS.items() if name == (value or None)), value)
    return value if name == "jwks" else str(value or "")


def _column(name: str, *, on: bool) -> bool | None:
    """Return the value to store in the column of the switch `name`. `on` is the state of the switch.

    If the switch is off by default and its column is nullable, off is stored as None, as in `create_client`.
    """
    field = Client._meta.get_field(NAMES.get(name, name))
    nullable = isinstance(field, models.Field) and field.null
    return None if nullable and not on and name not in ON else on


def _seconds(value: timedelta) -> float:
    """Return a duration in seconds, as an int if the number is whole."""
    seconds = value.total_seconds()
    return int(seconds) if seconds == int(seconds) else seconds
