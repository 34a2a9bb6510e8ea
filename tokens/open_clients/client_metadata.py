"""Validates client metadata from a document or a registration request (RFC 7591 section 2). Pure.

1. Each member that this issuer understands has the right type and a bounded size. Other members are ignored.
2. The metadata has no software statement. This issuer cannot verify one, and a client whose statement was ignored could
   believe that the issuer trusts the statement.
3. The response type is `code`. Of the requested grant types, the client gets those that the settings allow.
4. Redirect URIs obey the rules of `create_client` (tokens/addresses.py).
5. The client authenticates by a permitted method. A client with `private_key_jwt` must have keys: `jwks` or `jwks_uri`.
   The keys of a client with another method are not stored. A `jwks_uri` is an https address with a host name.
6. A back-channel logout URI has the same origin as a redirect URI. Otherwise a client could make the issuer send
   requests to another site.

Members such as `scope` and `resource` give no rights: the settings do (`scope_policy`).
"""

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tokens.addresses import logout_uri_problem, origin, origin_problem, redirect_uri_problem
from tokens.jose import public_keys
from tokens.jose.key_format import ALGORITHMS
from tokens.jose.public_keys import UnusableKey
from tokens.open_clients import identifier
from tokens.open_clients.identifier import UnfitAddress
from tokens.open_clients.metadata_member import InvalidMetadata, text, texts, truth

LONGEST_NAME = 100  # characters
LONGEST_URI = 500
MOST_URIS = 20
LONGEST_JWKS_URI = 200
LOCALHOST = ("http://localhost/", "http://localhost:")
PUBLIC = "none"
"""The authentication method of a client that does not authenticate."""
AUTHORIZATION_CODE = "authorization_code"
HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
"""Categories of characters that are invisible, or change the direction of the text after them."""
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Invisible characters of other categories: fillers, the blank of Braille and the grapheme joiner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """Validated metadata of a client. The fields have the names of RFC 7591, RFC 9101 and RFC 9126."""

    client_name: str
    """Empty if the client has no name."""
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    token_endpoint_auth_method: str
    jwks: Mapping[str, Any] | None
    jwks_uri: str
    require_pushed_authorization_requests: bool
    """True if the issuer must refuse authorization requests that the client did not push (RFC 9126)."""
    require_signed_request_object: bool
    """True if the issuer must refuse authorization requests that the client did not sign (RFC 9101)."""
    dpop_bound_access_tokens: bool
    """True if the client always uses DPoP (RFC 9449 section 5.2)."""
    id_token_signed_response_alg: str = ""
    """Empty if the client chooses no algorithm (OpenID Connect Registration 1.0 section 2)."""
    backchannel_logout_uri: str = ""
    """Empty if the client wants no logout tokens (Back-Channel Logout 1.0 section 2.2)."""
    backchannel_logout_session_required: bool = False

    @property
    def is_public(self) -> bool:
        """Return True if the client does not authenticate."""
        return self.token_endpoint_auth_method == PUBLIC

    @property
    def listens_on_localhost(self) -> bool:
        """Return True if the client is public and has a redirect URI at localhost."""
        return self.is_public and any(uri.startswith(LOCALHOST) for uri in self.redirect_uris)

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the origins of a public client's web redirect URIs. Pages of these origins may read responses (CORS).

        Returns an empty tuple for a confidential client.
        """
        if not self.is_public:
            return ()
        parts = [urlsplit(uri) for uri in self.redirect_uris]
        origins = dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts)
        return tuple(origin for origin in origins if origin_problem(origin) is None)


def read(
    members: Mapping[str, Any],
    *,
    methods: Collection[str],
    default_method: str,
    grant_types: Collection[str],
    loopback: bool,
) -> ClientMetadata:
    """Validate and return the metadata in `members`. Raises InvalidMetadata if the metadata breaks a rule.

    `methods` are the permitted authentication methods; `default_method` is used if the client names no method.
    `grant_types` are those that the settings allow. `loopback` permits a `jwks_uri` and a back-channel logout URI on
    loopback, for development.
    """
    _refuse_statement(members)
    method = text(members, "token_endpoint_auth_method") or default_method
    if method not in methods:
        raise InvalidMetadata(f"token_endpoint_auth_method must be one of {', '.join(methods)}.")
    uris = _redirect_uris(members)
    jwks, jwks_uri = _keys(members, method)
    _judge_key_address(jwks_uri, loopback=loopback)
    return ClientMetadata(
        client_name=_name(members),
        redirect_uris=uris,
        grant_types=_grant_types(members, permitted=grant_types, uris=uris),
        token_endpoint_auth_method=method,
        jwks=jwks,
        jwks_uri=jwks_uri,
        require_pushed_authorization_requests=truth(members, "require_pushed_authorization_requests"),
        require_signed_request_object=truth(members, "require_signed_request_object"),
        dpop_bound_access_tokens=truth(members, "dpop_bound_access_tokens"),
        id_token_signed_response_alg=_algorithm(members),
        **_logout(members, uris=uris, loopback=loopback),
    )


def _refuse_statement(members: Mapping[str, Any]) -> None:
    """Raise InvalidMetadata if the metadata has a software statement (RFC 7591 section 2.3)."""
    if "software_statement" in members:
        raise InvalidMetadata(
            "Software statements are not verified here. Register without one.", error="invalid_software_statement"
        )


def _name(members: Mapping[str, Any]) -> str:
    """Return the name without surrounding blanks.

    Raises InvalidMetadata if the name is too long, or has invisible characters, which could mislead users.
    """
    name = text(members, "client_name").strip()
    if len(name) > LONGEST_NAME:
        raise InvalidMetadata(f"client_name is longer than {LONGEST_NAME} characters.")
    if any(unicodedata.category(character) in HIDDEN or character in BLANK for character in name):
        raise InvalidMetadata("client_name has invisible characters.")
    return name


def _redirect_uris(members: Mapping[str, Any]) -> tuple[str, ...]:
    uris = texts(members, "redirect_uris")
    if len(uris) > MOST_URIS:
        raise InvalidMetadata(f"More than {MOST_URIS} redirect URIs.", error="invalid_redirect_uri")
    for uri in uris:
        problem = "is too long." if len(uri) > LONGEST_URI else redirect_uri_problem(uri)
        if problem:
            raise InvalidMetadata(f"A redirect URI {problem}", error="invalid_redirect_uri")
    return tuple(dict.fromkeys(uris))


def _grant_types(members: Mapping[str, Any], *, permitted: Collection[str], uris: Collection[str]) -> tuple[str, ...]:
    """Return the requested grant types that the settings allow.

    `permitted` are the grant types that the settings allow, and `uris` are the client's redirect URIs.

    Raises InvalidMetadata if the result would have no grant type other than refresh_token, if it would have
    authorization_code although `uris` is empty, or if a response type is not `code`.
    """
    if any(response != "code" for response in texts(members, "response_types")):
        raise InvalidMetadata("response_types must be code.")
    requested = texts(members, "grant_types") or [AUTHORIZATION_CODE]
    granted = [name for name in dict.fromkeys(requested) if name in permitted]
    if not set(granted) - {"refresh_token"}:
        raise InvalidMetadata(f"grant_types must name one of {', '.join(permitted)}.")
    if AUTHORIZATION_CODE in granted and not uris:
        raise InvalidMetadata("redirect_uris is missing.", error="invalid_redirect_uri")
    return tuple(granted)


def _algorithm(members: Mapping[str, Any]) -> str:
    """Return the algorithm of ID tokens, or "" if the client names none.

    Raises InvalidMetadata if the algorithm is not supported.
    """
    algorithm = text(members, "id_token_signed_response_alg")
    if algorithm and algorithm not in ALGORITHMS:
        raise InvalidMetadata(f"id_token_signed_response_alg must be one of {', '.join(ALGORITHMS)}.")
    return algorithm


def _keys(members: Mapping[str, Any], method: str) -> tuple[Mapping[str, Any] | None, str]:
    """Return the members `jwks` and `jwks_uri`. Returns None and "" unless `method` is private_key_jwt.

    Raises InvalidMetadata if `jwks` is not usable, with any method. With private_key_jwt, also raises InvalidMetadata
    if the metadata has both members or neither, or if `jwks_uri` is too long.
    """
    jwks, jwks_uri = members.get("jwks"), text(members, "jwks_uri")
    if jwks is not None:
        _judge_jwks(jwks)
    if method != "private_key_jwt":
        return None, ""  # published keys of a public client are not used, and do no harm
    if (jwks is None) == (not jwks_uri):
        raise InvalidMetadata("private_key_jwt needs jwks or jwks_uri, and not both.")
    if len(jwks_uri) > LONGEST_JWKS_URI:
        raise InvalidMetadata(f"jwks_uri is longer than {LONGEST_JWKS_URI} characters.")
    return jwks, jwks_uri


def _judge_jwks(jwks: object) -> None:
    """Raise InvalidMetadata unless the JWKS has a usable public key, and no private or symmetric key."""
    try:
        public_keys.registered(jwks)
    except UnusableKey as error:
        raise InvalidMetadata(f"jwks: {error}") from None


def _judge_key_address(jwks_uri: str, *, loopback: bool) -> None:
    """Raise InvalidMetadata unless `jwks_uri` obeys the rules for the URL of a metadata document (`identifier.read`).

    An empty `jwks_uri` is permitted. `loopback` permits an address on loopback, for development.
    """
    try:
        _ = identifier.read(jwks_uri, loopback=loopback, name="jwks_uri") if jwks_uri else None
    except UnfitAddress as error:
        raise InvalidMetadata(str(error)) from None


def _logout(members: Mapping[str, Any], *, uris: Collection[str], loopback: bool) -> dict[str, Any]:
    """Return the members about back-channel logout.

    Raises InvalidMetadata if the logout URI is not permitted. For example, the logout URI must have the same origin as
    one of `uris`, the redirect URIs. `loopback` permits an address on loopback, for development.
    """
    uri, required = text(members, "backchannel_logout_uri"), truth(members, "backchannel_logout_session_required")
    problem = logout_uri_problem(uri, loopback=loopback) if uri else None
    if problem or len(uri) > LONGEST_URI:
        raise InvalidMetadata(f"backchannel_logout_uri {problem or 'is too long.'}")
    if uri and origin(uri) not in map(origin, uris):
        raise InvalidMetadata("backchannel_logout_uri must have the origin of a redirect URI.")
    return {"backchannel_logout_uri": uri, "backchannel_logout_session_required": bool(uri) and required}
