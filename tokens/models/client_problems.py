"""Find problems of a client's registration: combinations of fields that cannot work or are unsafe.

`by_field` calls one function for each field or group of fields. Each function returns texts for the operator, or [] if
there is no problem. `Client.clean` raises the problems that `by_field` returns.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from tokens.addresses import logout_uri_problem, origin, origin_problem, redirect_uri_problem
from tokens.conf import issuer
from tokens.jose.public_keys import UnusableKey, registered
from tokens.models import fapi2, id_token_algorithm
from tokens.models.client_choices import SECRET_METHODS, AuthenticationMethod, GrantType
from tokens.page_text import translated

if TYPE_CHECKING:
    from tokens.models.client import Client


def by_field(client: "Client") -> dict[str, list[str]]:
    """Return the problems of a client by field. Leaves out fields without problems."""
    is_redirect_uri = partial(redirect_uri_problem, undotted=client.allows_undotted_schemes)
    problems = {
        "grants": _grant_problems(client),
        "redirect_uris": _redirect_problems(client) or _each(client.redirect_uris, is_redirect_uri),
        "post_logout_redirect_uris": _each(client.post_logout_redirect_uris, is_redirect_uri),
        "allowed_origins": _each(client.allowed_origins, origin_problem),
        "token_endpoint_auth_method": _authentication_problems(client),
        "pins_authentication_method": _pin_problems(client),
        "pkce": _pkce_problems(client),
        "skip_authorization": _consent_problems(client),
        "allows_any_localhost_port": _localhost_problems(client),
        "id_token_signed_response_alg": _algorithm_problems(client),
        "backchannel_logout_uri": _logout_uri_problems(client),
        "backchannel_logout_session_required": _session_problems(client),
        "require_signed_request_object": _signature_problems(client),
        "security_profile": list(map(gettext, fapi2.problems(client))) if client.follows_fapi2 else [],
        "client_jwks": _key_problems(client),
        "client_jwks_uri": _key_address_problems(client),
    }
    return {field: messages for field, messages in problems.items() if messages}


def _each(words: str, check: Callable[[str], str | None]) -> list[str]:
    """Return `<word>: <problem>` for each word that has a problem according to `check`.

    `words` are separated by spaces.
    """
    return [f"{word}: {gettext(problem)}" for word in words.split() if (problem := check(word))]


def _grant_problems(client: "Client") -> list[str]:
    """Return the problems of the client's grant types."""
    if not isinstance(client.grants, list):
        return [gettext("Enter a list of grant types.")]
    problems = [
        gettext("%(grant)s is not a grant type.") % {"grant": grant}
        for grant in client.grants
        if grant not in GrantType.values
    ]
    if client.is_public:
        # These grant types rest on the client's identity alone, which a public client cannot prove.
        secret_only = {GrantType.CLIENT_CREDENTIALS, GrantType.TOKEN_EXCHANGE, GrantType.JWT_BEARER}
        problems += [
            gettext("A public client cannot use %(grant)s.") % {"grant": grant}
            for grant in client.grants
            if grant in secret_only
        ]
    with_login = {GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE}
    if GrantType.REFRESH_TOKEN in client.grants and with_login.isdisjoint(client.grants):
        problems += [
            gettext("Refresh tokens need a grant type with a login. Allow authorization_code or the device code, too.")
        ]
    # The client itself names the user in its assertion, so a leaked secret would give access to all users (RFC 7523).
    by_key = client.token_endpoint_auth_method == AuthenticationMethod.PRIVATE_KEY_JWT
    if GrantType.JWT_BEARER in client.grants and not by_key:
        problems += [gettext("A client that acts for users (jwt-bearer) must authenticate with private_key_jwt.")]
    return problems


def _redirect_problems(client: "Client") -> list[str]:
    """Return the problem if the client needs a redirect URI and has none."""
    if GrantType.AUTHORIZATION_CODE in client.grants and not client.redirect_uris.split():
        return [gettext("The authorization code grant needs at least one redirect URI.")]
    return []


def _authentication_problems(client: "Client") -> list[str]:
    """Return the problems of the authentication method."""
    public = client.is_public
    if public != (client.token_endpoint_auth_method == AuthenticationMethod.NONE):
        return [
            gettext("A public client has the authentication method none. A confidential client needs another method.")
        ]
    has_keys = bool(client.client_jwks) != bool(client.client_jwks_uri)
    if client.token_endpoint_auth_method == AuthenticationMethod.PRIVATE_KEY_JWT and not has_keys:
        return [gettext("private_key_jwt needs the client's public keys or their address, and not both.")]
    return []


def _pin_problems(client: "Client") -> list[str]:
    """Return the problem if `pins_authentication_method` is on, and the client's method uses no secret.

    A client may send its secret by client_secret_basic or client_secret_post, unless this switch pins the client to one
    of these two methods. A client without a secret has only one method, so there is nothing to pin.
    """
    if client.pins_authentication_method and client.token_endpoint_auth_method not in SECRET_METHODS:
        return [
            gettext(
                "Only a client with a secret can restrict its method. Clear this, or choose a method with a secret."
            )
        ]
    return []


def _key_address_problems(client: "Client") -> list[str]:
    """Return the problem if the address of public keys is not https. Plain http is allowed if DEBUG is on."""
    if not client.client_jwks_uri or client.client_jwks_uri.startswith("https://") or issuer().is_development:
        return []
    return [gettext("The address of public keys must begin with https://.")]


def _key_problems(client: "Client") -> list[str]:
    """Return the problem if the registered public keys (`client_jwks`) are unusable."""
    try:
        _ = registered(client.client_jwks) if client.client_jwks is not None else ()
    except UnusableKey as error:
        return [translated(error)]
    return []


def _pkce_problems(client: "Client") -> list[str]:
    """Return the problem if a public client has a PKCE rule other than REQUIRED (RFC 9700 section 2.1.1)."""
    if client.pkce and client.is_public:
        return [gettext("PKCE is required of a public client (RFC 9700 section 2.1.1). Choose required.")]
    return []


def _signature_problems(client: "Client") -> list[str]:
    """Return the problem if a client without keys has to sign its requests."""
    if client.require_signed_request_object and not client.has_keys:
        return [gettext("Only a client with private_key_jwt can sign its requests. Clear this, or register its keys.")]
    return []


def _algorithm_problems(client: "Client") -> list[str]:
    """Return the problem if no key ring signs ID tokens with the algorithm that the client chose."""
    problem = id_token_algorithm.problem(client.id_token_signed_response_alg)
    return [problem] if problem else []


def _consent_problems(client: "Client") -> list[str]:
    """Return the problem if a self-registered client would get codes without the user's consent."""
    if client.skip_authorization and client.registered_by is not None:
        return [
            gettext(
                "A client that registered itself asks each user: it can change its name and redirect URIs. Clear this."
            )
        ]
    return []


def _localhost_problems(client: "Client") -> list[str]:
    """Return the problem if `allows_any_localhost_port` is on for a confidential client."""
    if client.allows_any_localhost_port and not client.is_public:
        return [gettext("Only a public client can use any port on localhost. Register the port, or clear this.")]
    return []


def _logout_uri_problems(client: "Client") -> list[str]:
    """Return the problems of the back-channel logout URI."""
    uri = client.backchannel_logout_uri
    if not uri:
        return []
    if problem := logout_uri_problem(uri, loopback=issuer().is_development):
        return [f"{uri}: {gettext(problem)}"]
    # Otherwise a self-registered client could make the issuer send requests to any site.
    if client.registered_by is not None and origin(uri) not in map(origin, client.redirect_uris.split()):
        return [f"{uri}: {gettext('must have the origin of a redirect URI of the client.')}"]
    return []


def _session_problems(client: "Client") -> list[str]:
    """Return the problem if the client requires the `sid` in logout tokens, but has no back-channel logout URI."""
    if client.backchannel_logout_session_required and not client.backchannel_logout_uri:
        return [gettext("Enter a back-channel logout URI, or clear this.")]
    return []
