"""`flush_token`: print a curl command that makes a verifier fetch the JWKS again.

The curl command sends a token whose kid is in no JWKS. For such a kid, a verifier fetches the JWKS again.
"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from tokens.issued import flush_token
from tokens.issued.flush_token import CannotFlush
from tokens.keys import store
from tokens.management.exit_codes import COMMON_CODES, USAGE
from tokens.management.operator_command import OperatorCommand


class Command(OperatorCommand):
    """Makes a token whose kid is in no JWKS, and prints a curl command that sends the token."""

    help = (
        "Print a request with a token whose kid is in no JWKS. A verifier that fetches the JWKS only for an unknown kid"
        " fetches it for this request, and stops trusting revoked keys."
    )
    notes = f"""
examples:
  after revoke_key, for an API (it answers 401, but fetches the JWKS):
    flush_token https://orders.example/ --url https://orders.example/api/orders | sh
  for a verifier of ID tokens, such as the Kubernetes API server or Vault, with the client_id that is their aud:
    flush_token kubernetes --url https://cluster.example:6443/api

Send the request once to each process of the verifier. First wait until N + C + 2δ have passed since the revocation
(nine minutes in production), because until then a shared cache can still answer with the revoked key.
docs/revoked-keys.md describes the cost for a verifier. Quarkus fetches at most once in ten minutes, and refuses other
new keys until then.

The token gives access to nothing: its private key is deleted when this command ends, and its kid is never published.
{COMMON_CODES}"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments and options of this command to `parser`."""
        parser.add_argument("audience", help="the API's identifier, or the client_id that is the aud of the ID tokens")
        parser.add_argument("--url", help="the URL of the request (default: the API's identifier if it is an http URL)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make a token whose kid is in no JWKS, and print a curl command that sends the token."""
        try:
            token = flush_token.make(options["audience"], now=store.database_now())
        except CannotFlush as error:
            raise CommandError(str(error), returncode=USAGE) from error
        url = request_url(options["audience"], options["url"])
        request = f"curl --silent --show-error -H 'Authorization: Bearer {token.token}' '{url}'"
        if options["json"]:
            result = asdict(token) | {"url": url, "request": request}
            self.stdout.write(json.dumps(result, cls=DjangoJSONEncoder))
        else:
            self.stdout.write(request)


def request_url(audience: str, url: str | None) -> str:
    """Return the URL of the request: `url`, or else `audience` if it is an http URL.

    Raises CommandError if neither is an http URL, or if the URL cannot stand inside the single quotes of a shell
    command.
    """
    schemes = ("https://", "http://")
    if url is None and not audience.startswith(schemes):
        raise CommandError(f"{audience} is not an http URL: pass the URL of the request with --url", returncode=USAGE)
    address = audience if url is None else url
    if not address.startswith(schemes) or not set(address).isdisjoint("' \t\r\n\\"):
        raise CommandError("--url must be an http or https URL without quotes, spaces or backslashes", returncode=USAGE)
    return address
