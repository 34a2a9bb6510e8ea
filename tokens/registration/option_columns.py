"""The options of `create_client` that a recipe can have, and the client column that stores each option. Pure.

The command, the admin and the manifest read these tables, so that a recipe registers the same client in all three.

- REGISTRATION: options that are fields of `Registration`.
- SWITCHES: options whose value is stored in a column.
- WORDS: options whose addresses are stored in one column, separated by spaces.
"""

from collections.abc import Mapping
from typing import Any

REGISTRATION = (
    *("name", "client_id", "grants", "redirect_uris", "scopes", "apis", "method", "public", "jwks", "jwks_uri"),
)
SWITCHES: Mapping[str, str] = {
    "pkce": "pkce",
    "any_localhost_port": "allows_any_localhost_port",
    "allow_undotted_scheme": "allows_undotted_schemes",
    "legacy_audience": "accepts_token_endpoint_audience",
    "pin_auth_method": "pins_authentication_method",
    "skip_consent": "skip_authorization",
    "claims_in_id_token": "claims_in_id_token",
    "always_refresh_token": "always_gets_refresh_token",
    "rotate_refresh_tokens": "rotates_refresh_tokens",
}
WORDS: Mapping[str, str] = {"post_logout_redirect_uris": "post_logout_redirect_uris", "origins": "allowed_origins"}
REQUIRED = "required"
"""The default rule of PKCE, which is stored as an empty column."""


def policy(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a client that `options` set, each with its value.

    Reads only the options in SWITCHES and WORDS. Leaves out switches with the default value, such as PKCE `required`.
    Includes every column in WORDS, with "" if its option is missing.
    """
    switches = {column: options[name] for name, column in SWITCHES.items() if options.get(name)}
    if switches.get("pkce") == REQUIRED:
        del switches["pkce"]
    return switches | {column: " ".join(options.get(name, ())) for name, column in WORDS.items()}
