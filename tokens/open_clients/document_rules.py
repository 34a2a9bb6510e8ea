"""Validates a client ID metadata document (draft 02 sections 4 and 8). Pure.

1. The document is a JSON object. Its `client_id` is the address of the document.
2. The document has no secret, and no authentication method that needs a secret, because everyone can read the document.
   No key has a private half.
3. The metadata in the document is valid (`client_metadata`).
4. Each redirect URI has the origin of the document, is on loopback, or has a private-use scheme. A private-use
   scheme is the document's host reversed (com.example.app for app.example.com), or begins with the reversed host and a
   dot. The consent page names only the document's host, so the document must not send authorization codes to another
   site.
"""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from tokens.addresses import LOOPBACK
from tokens.open_clients import client_metadata, identifier
from tokens.open_clients.client_metadata import ClientMetadata
from tokens.open_clients.metadata_member import InvalidMetadata

METHODS = ("none", "private_key_jwt")
SECRETS = ("client_secret", "client_secret_expires_at")


def read(content: object, client_id: str, *, grant_types: Collection[str], loopback: bool) -> ClientMetadata:
    """Return the metadata in the document at `client_id`. Raises InvalidMetadata if the document breaks a rule.

    `content` is the parsed JSON of the document. `grant_types` are those that the settings allow. `loopback` permits
    addresses on loopback, for development.
    """
    if not isinstance(content, dict):
        raise InvalidMetadata("The document is not a JSON object.")
    # Compared character by character, without normalization (RFC 3986 section 6.2.1).
    if content.get("client_id") != client_id:
        raise InvalidMetadata("The client_id in the document is not its address.")
    if any(name in content for name in SECRETS):
        raise InvalidMetadata("The document has a client secret, which everyone can read.")
    metadata = client_metadata.read(
        content, methods=METHODS, default_method=_method(content), grant_types=grant_types, loopback=loopback
    )
    address = identifier.read(client_id, loopback=loopback)
    for uri in metadata.redirect_uris:
        if not belongs(uri, origin=identifier.origin(address), host=address.hostname or ""):
            raise InvalidMetadata(
                "A redirect URI must have the origin of the document, be on loopback, or have the document's host,"
                " reversed, as its scheme.",
                error="invalid_redirect_uri",
            )
    return metadata


def belongs(uri: str, *, origin: str, host: str) -> bool:
    """Return True if a document with this origin and host may name the redirect URI `uri`.

    This is rule 4 in the module's docstring.
    """
    parts = urlsplit(uri)
    if parts.scheme == "https":
        return f"{parts.scheme}://{parts.netloc}" == origin
    if parts.scheme == "http":
        return parts.hostname in LOOPBACK
    own = ".".join(reversed(host.split(".")))
    return "." in own and (parts.scheme == own or parts.scheme.startswith(f"{own}."))


def _method(content: Mapping[str, Any]) -> str:
    """Return the default authentication method of a document: `private_key_jwt` if it has keys, else `none`."""
    # RFC 7591's default is a secret, which no document can have.
    return "private_key_jwt" if content.get("jwks") or content.get("jwks_uri") else "none"
