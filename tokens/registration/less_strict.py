"""Lists the settings by which a client is less strict than the default.

- `switches` returns the columns, for the audit trail.
- `sentences` returns a sentence for each setting, for operators.
"""

from typing import Any

from tokens.languages import sentence
from tokens.models import Client, PkceRule

PKCE = {
    PkceRule.NONCE: sentence("PKCE: a nonce is accepted instead of a code challenge (RFC 9700 section 2.1.1)."),
    PkceRule.OPTIONAL: sentence("PKCE: neither a code challenge nor a nonce is required."),
}
SWITCHES = {
    "allows_any_localhost_port": sentence(
        "Redirect URI: http://localhost matches with any port (RFC 8252 section 8.3)."
    ),
    "accepts_token_endpoint_audience": sentence("Assertions: the URL of the token endpoint is accepted as aud."),
    "allows_undotted_schemes": sentence(
        "Redirect URI: a scheme without a dot is allowed, which other applications can claim."
    ),
}


def switches(client: Client) -> dict[str, Any]:
    """Return the columns by which the client is less strict than the default, for the audit trail.

    The result maps the name of each of these columns to the column's value.
    """
    names = ("pkce", *SWITCHES)
    return {name: value for name in names if (value := getattr(client, name))}


def sentences(client: Client) -> list[str]:
    """Return a sentence for each setting by which the client is less strict than the default."""
    rule = client.pkce_rule
    return [*([PKCE[rule]] if rule in PKCE else []), *others(client)]


def others(client: Client) -> list[str]:
    """Return the result of `sentences` without the sentence about PKCE."""
    return [text for name, text in SWITCHES.items() if getattr(client, name)]
