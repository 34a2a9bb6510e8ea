"""Adds the options of `create_client` with rules for a client's logins: PKCE, PAR, signed requests, FAPI 2.0, factors.

The columns that the options set are in tokens/models/login_switches.py.
"""

from argparse import ArgumentParser
from typing import Any

from tokens.authentication_class import MULTI_FACTOR, PHISHING_RESISTANT
from tokens.models import PkceRule, SecurityProfile

CLASSES = {"any": MULTI_FACTOR, "passkey": PHISHING_RESISTANT}
"""The authentication context class for each value of the option --second-factor."""


def add(parser: ArgumentParser) -> None:
    """Add the options of this module, from --pkce to --second-factor, to the `parser` of `create_client`."""
    parser.add_argument(
        "--pkce", choices=PkceRule.values, default=PkceRule.REQUIRED.value,
        help="what each authorization request needs: required (default; always for public clients), a code challenge;"
        " nonce, a code challenge or openid with a nonce, for applications that cannot send a challenge, such as"
        " passport-openidconnect; optional, neither, for certification tests and legacy applications (RFC 9700 section"
        " 2.1.1 recommends PKCE for confidential clients, too); a challenge that was sent is always enforced",
    )  # fmt: skip
    parser.add_argument(
        "--any-localhost-port", action="store_true",
        help="public clients only: http://localhost/... matches with any port, for native applications that cannot use"
        " 127.0.0.1, whose port is always free, such as msal and MCP clients",
    )  # fmt: skip
    parser.add_argument(
        "--require-par", action="store_true",
        help="refuse an authorization request that the client did not push to /oauth/par before (RFC 9126)",
    )  # fmt: skip
    parser.add_argument(
        "--require-signed-request", action="store_true",
        help="refuse an authorization request that is not in a request object, signed by a key of the client (RFC"
        " 9101); for clients with --jwks or --jwks-uri",
    )  # fmt: skip
    parser.add_argument(
        "--fapi2", action="store_true",
        help="hold the client to the FAPI 2.0 Security Profile: pushed requests, DPoP, private_key_jwt (--jwks or"
        " --jwks-uri), PKCE, and PS256, ES256 or EdDSA",
    )  # fmt: skip
    parser.add_argument(
        "--second-factor", choices=list(CLASSES), default=None, dest="required_class",
        help="what every user of the client needs: any, a second factor or a passkey; passkey, a passkey",
    )  # fmt: skip


def fields(options: dict[str, Any]) -> dict[str, Any]:
    """Return the client's columns that the options of this module set: a mapping from the names to the values.

    None means the column's default. Leaves out --pkce and --any-localhost-port, which `registration.option_columns`
    maps to columns, because recipes can have these two options as well.
    """
    return {
        "require_pushed_authorization_requests": options["require_par"] or None,
        "require_signed_request_object": options["require_signed_request"] or None,
        "security_profile": SecurityProfile.FAPI2.value if options["fapi2"] else None,
        "required_class": CLASSES.get(options["required_class"]),
    }
