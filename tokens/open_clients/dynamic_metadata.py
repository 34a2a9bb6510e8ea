"""Validates the metadata of dynamically registered clients, and maps the metadata to columns of the client."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import translation

from tokens import conf
from tokens.errors import OAuthError
from tokens.languages import LANGUAGES
from tokens.models import Client
from tokens.open_clients import client_metadata
from tokens.open_clients.client_metadata import ClientMetadata
from tokens.open_clients.metadata_member import InvalidMetadata

METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
DEFAULT_METHOD = "client_secret_basic"  # RFC 7591 section 2
INVALID = "invalid_client_metadata"


def judged(members: Mapping[str, Any]) -> ClientMetadata:
    """Validate and return the metadata of a registration or of a change. Raises OAuthError if it breaks a rule."""
    settings = conf.issuer().open_clients
    try:
        return client_metadata.read(
            members,
            methods=METHODS,
            default_method=DEFAULT_METHOD,
            grant_types=settings.grant_types,
            loopback=settings.loopback_documents,
        )
    except InvalidMetadata as error:
        raise OAuthError(error.error, str(error)) from error


def fields(metadata: ClientMetadata) -> dict[str, Any]:
    """Return the columns that a client can change by its metadata: a mapping from their names to the new values."""
    return {
        "name": metadata.client_name,
        "redirect_uris": " ".join(metadata.redirect_uris),
        "allowed_origins": " ".join(metadata.origins),
        "grants": list(metadata.grant_types),
        "allows_any_localhost_port": metadata.listens_on_localhost or None,
        "require_pushed_authorization_requests": metadata.require_pushed_authorization_requests or None,
        "require_signed_request_object": metadata.require_signed_request_object or None,
        "client_jwks": metadata.jwks,
        "client_jwks_uri": metadata.jwks_uri,
        "backchannel_logout_uri": metadata.backchannel_logout_uri or None,
        "backchannel_logout_session_required": metadata.backchannel_logout_session_required or None,
        "dpop_bound_access_tokens": metadata.dpop_bound_access_tokens or None,
        "id_token_signed_response_alg": metadata.id_token_signed_response_alg or None,
    }


def validate(client: Client) -> None:
    """Raise OAuthError if the client breaks a rule of the registry."""
    try:
        with translation.override(LANGUAGES[0]):  # errors of OAuth are English
            client.full_clean()
    except ValidationError as error:
        raise OAuthError(INVALID, " ".join(error.messages)) from error
