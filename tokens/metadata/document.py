"""What the issuer says about itself (RFC 8414 section 2, OpenID Connect Discovery section 3): only what works."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from tokens.authorize.login_session import LEVELS
from tokens.clients.authentication import METHODS
from tokens.grants.table import GRANT_TYPES
from tokens.issued.audience import OPENID
from tokens.jose.public_keys import ALGORITHMS
from tokens.userinfo import CLAIMS

ID_TOKEN_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "at_hash")
DOCUMENTS = ("oauth-authorization-server", "openid-configuration")


def document(
    issuer: str, *, scopes: Iterable[str], apis: Iterable[str], algorithms: Iterable[str]
) -> dict[str, object]:
    """The metadata of `issuer`; `scopes` are those of the APIs, `apis` their identifiers.

    `algorithms` are what its rings sign with.
    """
    base = issuer.rstrip("/")
    told = {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "device_authorization_endpoint": f"{base}/oauth/device",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "end_session_endpoint": f"{base}/oauth/logout",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "scopes_supported": [*OPENID, *scopes],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": [method for method in METHODS if method != "none"],
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_signing_alg_values_supported": list(algorithms),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        # ID tokens are RS256. Verifiers such as go-oidc go by this list for access tokens, too.
        "id_token_signing_alg_values_supported": list(algorithms),
        "claims_supported": [*ID_TOKEN_CLAIMS, *(name for claims in CLAIMS.values() for name in claims)],
        "acr_values_supported": list(LEVELS),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "protected_resources": list(apis),
    }
    return {name: value for name, value in told.items() if value != []}  # RFC 8414 section 3.2


def locations(issuer: str) -> list[str]:
    """The metadata's paths under the issuer's own (OpenID Connect Discovery section 4), and with that inserted.

    RFC 8414 section 3.1 puts the issuer's path behind the well-known one.
    """
    path = urlsplit(issuer).path.strip("/")
    plain = [f".well-known/{name}" for name in DOCUMENTS]
    return [*plain, *(f"{one}/{path}" for one in plain if path)]
