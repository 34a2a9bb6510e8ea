"""`flush_token`: make a verifier that fetches the JWKS only for an unknown kid fetch it now."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from tokens import conf
from tokens.issued import flush_token
from tokens.issued.flush_token import FlushToken
from tokens.keys import store, transfer
from tokens.keys.rules import moves
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.management.arguments import USAGE, OperatorCommand, exit_codes
from tokens.models import Api, Client
from tokens.models.key import Ring


class Command(OperatorCommand):
    """Parses, calls `flush_token.make`, prints."""

    help = (
        "Print a request with a token whose kid exists nowhere: a verifier that trusts a revoked key because it fetches"
        " only for an unknown kid fetches the JWKS when it gets this request, and drops the key."
    )
    notes = """
examples:
  after revoke_key, for an API (its answer is 401; the fetch is what counts):
    flush_token https://orders.example/ --url https://orders.example/api/orders | sh
  for a verifier of ID tokens, such as the Kubernetes API server or Vault: the client_id that is their aud
    flush_token kubernetes --url https://cluster.example:6443/api

Send it once to each process of the verifier, when N + C + 2δ have passed since the revocation (nine minutes in
production): before that a shared cache can still answer with the revoked key. What it costs a verifier is in
docs/revoked-keys.md; Quarkus fetches once in ten minutes, and refuses other new keys until then.

The token opens nothing: its private key is thrown away when this command ends, and no JWKS ever shows its kid.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("audience", help="the API's identifier, or the client_id whose ID tokens are verified")
        parser.add_argument("--url", help="where the request goes (the API's identifier, if that is an http URL)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the token and print the request."""
        audience, url = options["audience"], options["url"]
        with exit_codes():
            made = make(audience)
        if url is None and audience.startswith(("https://", "http://")):
            url = audience
        if url is None:
            raise CommandError(f"{audience} is no http URL: say with --url where the request goes", returncode=USAGE)
        if not url.startswith(("https://", "http://")) or not set(url).isdisjoint("' \t\r\n\\"):
            raise CommandError("--url must be an http or https URL", returncode=USAGE)
        request = f"curl --silent --show-error -H 'Authorization: Bearer {made.token}' '{url}'"
        if options["json"]:
            shown = asdict(made) | {"url": url, "request": request}
            self.stdout.write(json.dumps(shown, cls=DjangoJSONEncoder))
        else:
            self.stdout.write(request)


def make(audience: str) -> FlushToken:
    """Return a token for a registered audience. Raises CommandError if it is neither an API nor a client."""
    is_api = Api.objects.filter(identifier=audience).exists()
    if not is_api and not Client.objects.filter(client_id=audience).exists():
        raise CommandError(f"{audience} is neither the identifier of an API nor a client_id", returncode=USAGE)
    now = store.database_now()
    name = moves.signing(audience, transfer.load(), now=now) if is_api else DEFAULT_RING
    ring = Ring.objects.filter(name=name).first()
    if ring is None:
        raise CommandError("there is no key yet: run manage.py rotate_keys", returncode=USAGE)
    settings = conf.issuer()
    return flush_token.make(
        settings.url, audience, is_client=not is_api, algorithm=ring.algorithm, bits=ring.bits, now=now
    )
