"""`create_client`: register a client from a script; the secret is printed once."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import fields
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tokens.grants.table import GRANT_TYPES
from tokens.jose import key_text, public_keys
from tokens.jose.public_keys import UnusableKey
from tokens.keys import store
from tokens.management.arguments import USAGE, OperatorCommand, exit_codes, instant, one_line, seconds
from tokens.models import AuthenticationMethod, Client
from tokens.registration.client import Registration, register

EXAMPLES = """
examples:
  a web application that logs users in:
    create_client --name "My app" --grant authorization_code --redirect-uri https://app.example/callback \\
                  --scope notes:read --scope notes:write
  a service that acts for itself:
    create_client --name "Nightly report" --grant client_credentials --scope notes:read
  a service that proves itself with its own private key (public.jwks.json holds the public half):
    create_client --name "Orders" --grant client_credentials --scope notes:read --jwks public.jwks.json
  an application without a server of its own (it proves itself by PKCE only):
    create_client --name "Phone app" --public --grant authorization_code --redirect-uri com.example.app:/callback
  an API that only asks whether tokens are active (/oauth/introspect); name the client at the API in the admin:
    create_client --name "Orders API"

Further secrets are made and ended by client_secret.
"""

NO_SECRET = {
    Client.CLIENT_PUBLIC: "(none: a public client has nothing to prove itself with; PKCE protects its codes)",
    Client.CLIENT_CONFIDENTIAL: "(none: it proves itself with its own key)",
}


class Command(OperatorCommand):
    """Parses, calls `register`, prints."""

    help = "Register a client and print its client_id and its secret. The secret is shown once and kept as a hash."
    notes = EXAMPLES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--name", required=True, help="what users read on the consent page")
        parser.add_argument("--client-id", help="generated when left out")
        parser.add_argument(
            "--grant", action="append", default=[], choices=list(GRANT_TYPES), metavar="GRANT",
            dest="grants",
            help=f"one of {', '.join(GRANT_TYPES)}; may be repeated; none: it gets no tokens",
        )  # fmt: skip
        parser.add_argument("--redirect-uri", action="append", default=[], dest="redirect_uris", help="may be repeated")
        parser.add_argument(
            "--allow-undotted-scheme", action="store_true",
            help="accept redirect URIs such as myapp:/callback, which other applications on the device can claim",
        )  # fmt: skip
        parser.add_argument("--scope", action="append", default=[], dest="scopes", help="may be repeated")
        parser.add_argument(
            "--api", action="append", default=[], dest="apis", metavar="IDENTIFIER",
            help="an API that it may ask a token for without a scope; may be repeated",
        )  # fmt: skip
        parser.add_argument("--inactive", action="store_true", help="it gets no token until the admin activates it")
        self._add_proof(parser)
        parser.add_argument("--first-party", action="store_true", help="no user is ever asked for consent")
        parser.add_argument("--forget-consent", action="store_true", help="users are asked each time they come")
        parser.add_argument(
            "--post-logout-redirect-uri", action="append", default=[], dest="post_logout_redirect_uris",
            help="where to go after a logout; may be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--origin",
            action="append",
            default=[],
            dest="origins",
            help="of a single-page application; may be repeated",
        )
        parser.add_argument("--access-token-lifetime", type=seconds, metavar="SECONDS")
        parser.add_argument("--refresh-token-lifetime", type=seconds, metavar="SECONDS", help="from consent to the end")
        parser.add_argument("--refresh-token-idle-lifetime", type=seconds, metavar="SECONDS", help="between two uses")
        parser.add_argument(
            "--rotate-refresh-tokens", action="store_true",
            help="each use ends the refresh token; within 30 s a repeat gets the same successor, later it revokes the"
            " grant; public clients always do",
        )  # fmt: skip
        parser.add_argument("--always-refresh-token", action="store_true", help="without asking for offline_access")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def _add_proof(self, parser: ArgumentParser) -> None:
        parser.add_argument("--public", action="store_true", help="a client that cannot keep a secret")
        parser.add_argument(
            "--auth-method", choices=AuthenticationMethod.values, metavar="METHOD", dest="method",
            help=f"how it proves who it is, one of {', '.join(AuthenticationMethod.values)}; left out: none with"
            " --public, private_key_jwt with keys, else client_secret_basic; a secret is accepted in the header and"
            " in the body alike",
        )  # fmt: skip
        parser.add_argument(
            "--pin-auth-method", action="store_true",
            help="refuse the secret in the other place than --auth-method says; for policies that require one place,"
            " and not for programs that try both, such as most in Go",
        )  # fmt: skip
        parser.add_argument(
            "--jwks", type=jwks_file, metavar="FILE",
            help="its public keys (private_key_jwt) as a JWKS, one JWK or PEM; it gets no secret then",
        )  # fmt: skip
        parser.add_argument("--jwks-uri", default="", metavar="URL", help="or where it publishes them")
        parser.add_argument(
            "--legacy-audience",
            action="store_true",
            help="accept the token endpoint's address as an assertion's aud, not the issuer only; for libraries that"
            " send it and cannot be configured",
        )
        parser.add_argument(
            "--strict-assertion-type",
            action="store_true",
            help="JWT bearer: refuse an assertion whose typ is not authorization-grant+jwt",
        )
        parser.add_argument(
            "--secret-expires", type=instant, metavar="TIME", dest="secret_expires_at",
            help="when its secret ends (2027-01-31T12:00Z); never when left out",
        )  # fmt: skip

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register the client and print what it needs to know."""
        names = {one.name for one in fields(Registration)} & options.keys()
        registration = Registration(**{name: options[name] for name in names}, policy=policy(options))
        try:
            with exit_codes():
                client, secret = register(registration, actor="command:create_client", now=store.database_now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        for warning in public_keys.skipped(client.client_jwks) if client.client_jwks else ():
            self.stderr.write(f"Warning: {warning}")
        if options["json"]:
            self.stdout.write(json.dumps({"client_id": client.client_id, "client_secret": secret}))
            return
        self.stdout.write(f"client_id      {client.client_id}")
        self.stdout.write(f"client_secret  {secret or NO_SECRET[client.client_type]}")


def policy(options: dict[str, Any]) -> dict[str, Any]:
    """The client's further fields, by the options."""
    return {
        "is_active": not options["inactive"],
        "accepts_token_endpoint_audience": options["legacy_audience"],
        "allows_undotted_schemes": options["allow_undotted_scheme"],
        "pins_authentication_method": options["pin_auth_method"] or None,
        "requires_assertion_type": options["strict_assertion_type"],
        "skip_authorization": options["first_party"],
        "remembers_consent": not options["forget_consent"],
        "post_logout_redirect_uris": " ".join(options["post_logout_redirect_uris"]),
        "allowed_origins": " ".join(options["origins"]),
        "access_token_lifetime": options["access_token_lifetime"],
        "refresh_token_lifetime": options["refresh_token_lifetime"],
        "refresh_token_idle_lifetime": options["refresh_token_idle_lifetime"],
        "rotates_refresh_tokens": options["rotate_refresh_tokens"],
        "always_gets_refresh_token": options["always_refresh_token"],
    }


def jwks_file(path: str) -> Any:
    """The public keys in a file, as a JWKS: a JWKS, one JWK, or PEM."""
    try:
        return key_text.read(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ArgumentTypeError(f"{path}: {error.strerror}") from error
    except UnusableKey as error:
        raise ArgumentTypeError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise ArgumentTypeError(f"{path} is no text") from error
