"""Decides which `acr` value a request requires, and whether the user needs step-up authentication to reach it.

An `acr` value (authentication context class) says how strong a login is, such as multi-factor. A login that has an
`acr` value also satisfies each weaker value.

- The parameter `acr_values` is a wish (OpenID Connect Core section 15.1). But in a request for an API, the login must
  satisfy one of these values, because the API might have demanded it (RFC 9470).
- The claim `acr` in the parameter `claims` is a requirement if it is essential (OpenID Connect Core section 5.5.1.1).
- The operator can require an `acr` value, too (`factors.obligation`).
"""

from dataclasses import replace

from tokens.authentication_class import CLASSES, satisfied, satisfies
from tokens.authorize.request import AuthorizationRequest
from tokens.errors import OAuthError
from tokens.issued.login import Login


def reached_class(request: AuthorizationRequest, login: Login) -> str | None:
    """Return the value of the claim `acr` in the issued tokens, or None if the request requires a stronger login.

    The result is the first entry of `acr_values` that the login satisfies. If there is none, and the request does not
    require one, the result is the strongest `acr` value that the login satisfies and the request accepts.
    """
    usable = [name for name in satisfied(login.acr) or (login.acr,) if request.claims.allows_class(name)]
    requested = [name for name in request.acr_values if name in usable]
    if requested:
        return requested[0]
    is_required = request.acr_values and request.target.api is not None
    return None if is_required or not usable else usable[0]


def next_class(request: AuthorizationRequest, login: Login, *, required: str, reachable: str) -> str | None:
    """Return the `acr` value that the user is asked to reach by step-up authentication, or None if there is none.

    1. If `login` suffices for the request, the result is that of `desired_class`, or None if the request has
       prompt=none.
    2. If `login` does not suffice, the result is the weakest `acr` value that suffices. But if the request has
       prompt=none, raises OAuthError login_required.

    `required` is the `acr` value that the operator requires, or "". `reachable` is the strongest `acr` value that the
    user can reach by the factors in the account.

    Raises OAuthError unmet_authentication_requirements if no `acr` value suffices, even with prompt=none.
    """
    is_silent = "none" in request.prompt
    if suffices(request, login, required=required):
        return None if is_silent else desired_class(request, login, reachable=reachable)
    missing = missing_class(request, login, required=required)
    if missing is None:
        description = "No login at this issuer has a requested authentication context class."
        raise OAuthError("unmet_authentication_requirements", description)
    if is_silent:
        raise OAuthError("login_required", "The user has to authenticate with a further factor.")
    return missing


def suffices(request: AuthorizationRequest, login: Login, *, required: str) -> bool:
    """Return True if the login is strong enough for the request, and satisfies the `acr` value `required`.

    `required` is the `acr` value that the operator requires, or "".
    """
    return satisfies(login.acr, required) and reached_class(request, login) is not None


def missing_class(request: AuthorizationRequest, login: Login, *, required: str) -> str | None:
    """Return the weakest `acr` value with which a login suffices for the request (`suffices`).

    Returns None if no `acr` value suffices. `required` is the `acr` value that the operator requires, or "".
    """
    return next((name for name in CLASSES if suffices(request, replace(login, acr=name), required=required)), None)


def desired_class(request: AuthorizationRequest, login: Login, *, reachable: str) -> str | None:
    """Return the weakest entry of `acr_values` that the user can reach by step-up authentication.

    Returns None if the login already satisfies an entry of `acr_values`, or if the user can reach none of them.
    `reachable` is the strongest `acr` value that the user can reach by the factors in the account.
    """
    if any(name in satisfied(login.acr) for name in request.acr_values):
        return None
    return next((name for name in satisfied(reachable)[::-1] if name in request.acr_values), None)
