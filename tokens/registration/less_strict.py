"""Lists the switches of a client that are less strict than the default, as sentences and for the audit trail."""

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
    """Return the client's switches that are less strict than the default, for the audit trail.

    The result maps the column of each switch to its value.
    """
    names = ("pkce", *SWITCHES)
    return {name: value for name in names if (value := getattr(client, name))}


def sentences(client: Client) -> list[str]:
    """Return a sentence for each of the client's switches that is less strict than the default."""
    rule = client.pkce_rule
    return [*([PKCE[rule]] if rule in PKCE else []), *others(client)]


def others(client: Client) -> list[str]:
    """Return the result of `sentences` without the sentence about PKCE."""
    return [text for name, text in SWITCHES.items() if getattr(client, name)]
