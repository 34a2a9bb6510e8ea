"""The issuer's metadata document (RFC 8414 section 2, OpenID Connect Discovery section 3).

- Grant types, authentication methods, claims and authentication classes come from the tables by which requests are
  served, so that the metadata advertises only what works.
- The document of RFC 8414 and the one of OpenID Connect have the same content.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from tokens.authorize.login_session import LEVELS
from tokens.authorize.response_mode import MODES
from tokens.claims import source
from tokens.clients.authentication import METHODS
from tokens.dpop import proof
from tokens.grants.table import GRANT_TYPES
from tokens.issued import audience
from tokens.jose.public_keys import ALGORITHMS
from tokens.settings.open_client import OpenClientSettings, RegistrationMode

ID_TOKEN_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "at_hash", "sid")
DOCUMENTS = ("oauth-authorization-server", "openid-configuration")


def document(
    issuer: str,
    *,
    scopes: Iterable[str],
    apis: Iterable[str],
    algorithms: Iterable[str],
    open_clients: OpenClientSettings | None = None,
    must_be_pushed: bool = False,
) -> dict[str, object]:
    """Return the members of the metadata of the issuer with the URL `issuer`.

    `scopes` are the names of the APIs' scopes, `apis` the APIs' identifiers, and `algorithms` the signature algorithms
    of the key rings. `open_clients` has the settings for self-registered clients. It is None if there can be no such
    clients. `must_be_pushed` is True if each client has to push its authorization requests.
    """
    base = issuer.rstrip("/")
    members = {
        "issuer": issuer,
        **addresses(base),
        "scopes_supported": [*audience.offered(), *scopes],
        **_grants(),
        **_authentication(),
        **_signatures(list(algorithms)),
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(proof.ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "claims_supported": [*ID_TOKEN_CLAIMS, *source.supported()],
        **_authorization(),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "require_pushed_authorization_requests": must_be_pushed,  # RFC 9126 section 5
        "protected_resources": list(apis),
        **_registration(base, open_clients),
    }
    return {name: value for name, value in members.items() if value != []}  # RFC 8414 section 3.2: omit empty arrays


def _grants() -> dict[str, list[str]]:
    """Return the response types and modes of the authorization endpoint, and the grant types of the token endpoint."""
    return {
        "response_types_supported": ["code"],
        "response_modes_supported": list(MODES),
        "grant_types_supported": list(GRANT_TYPES),
    }


def addresses(base: str) -> dict[str, str]:
    """Return the URLs of the endpoints by their names in the metadata. `base` is the issuer's URL."""
    return {
        "authorization_endpoint": f"{base}/oauth/authorize",
        "pushed_authorization_request_endpoint": f"{base}/oauth/par",
        "token_endpoint": f"{base}/oauth/token",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "device_authorization_endpoint": f"{base}/oauth/device",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "end_session_endpoint": f"{base}/oauth/logout",
        "jwks_uri": f"{base}/.well-known/jwks.json",
    }


def _authentication() -> dict[str, list[str]]:
    """Return the methods by which clients authenticate at each endpoint, and the algorithms of their keys."""
    return {
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": [method for method in METHODS if method != "none"],
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
    }


def _signatures(rings: list[str]) -> dict[str, list[str]]:
    """Return the members that list the signature algorithms of introspection responses and ID tokens.

    `rings` are the algorithms of all key rings.
    """
    # The default ring's algorithm comes first. Verifiers such as go-oidc read the list for access tokens, too.
    return {
        "introspection_signing_alg_values_supported": rings,
        "id_token_signing_alg_values_supported": rings,
    }


def _authorization() -> dict[str, object]:
    """Return the members that say which parameters the authorization endpoint supports.

    They also list the algorithms by which clients can sign request objects (RFC 9101).
    """
    return {
        "acr_values_supported": list(LEVELS),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(ALGORITHMS),
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
    }


def _registration(base: str, settings: OpenClientSettings | None) -> dict[str, object]:
    """Return the members for client ID metadata documents and dynamic registration, each if it is enabled.

    `settings` is None if neither is enabled.
    """
    members: dict[str, object] = {}
    if settings is not None and settings.documents:
        members["client_id_metadata_document_supported"] = True
    if settings is not None and settings.registration is not RegistrationMode.OFF:
        members["registration_endpoint"] = f"{base}/oauth/register"
    return members


def locations(issuer: str) -> list[str]:
    """Return the paths of the metadata documents, without a leading slash.

    - `.well-known/<name>`, relative to the issuer's URL (OpenID Connect Discovery section 4).
    - If the issuer's URL has a path, also `.well-known/<name>/<path>`, relative to the URL's origin (RFC 8414 section
      3.1).
    """
    path = urlsplit(issuer).path.strip("/")
    plain = [f".well-known/{name}" for name in DOCUMENTS]
    return [*plain, *(f"{location}/{path}" for location in plain if path)]
