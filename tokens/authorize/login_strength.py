"""Decides which authentication context class a request requires, and whether the user's login satisfies that class.

A class is a level of a login, such as multi-factor. A login of a class satisfies each weaker class.

- `acr_values` is voluntary (OpenID Connect Core section 15.1). In a request for an API, one of the classes in
  `acr_values` is required, because the API might have demanded that class (RFC 9470).
- The claim `acr` is a requirement if it is essential (OpenID Connect Core section 5.5.1.1).
- The operator can require a class, too (`factors.obligation`).
"""

from dataclasses import replace

from tokens.authentication_class import CLASSES, satisfied, satisfies
from tokens.authorize.request import AuthorizationRequest
from tokens.errors import OAuthError
from tokens.issued.login import Login


def reached_class(request: AuthorizationRequest, login: Login) -> str | None:
    """Return the authentication context class for the claim `acr`, or None if the request requires a stronger login.

    The result is the first class of `acr_values` that the login satisfies, else the strongest class that the login
    satisfies and the request accepts.
    """
    usable = [name for name in satisfied(login.acr) or (login.acr,) if request.claims.allows_class(name)]
    requested = [name for name in request.acr_values if name in usable]
    if requested:
        return requested[0]
    is_required = request.acr_values and request.target.api is not None
    return None if is_required or not usable else usable[0]


def next_class(request: AuthorizationRequest, login: Login, *, required: str, reachable: str) -> str | None:
    """Return the class of the further login to ask the user for before the client gets an answer.

    Returns None if the user is not asked for a further login.

    1. If `login` suffices, a stronger one is optional. Return the result of `desired_class`, or None if the request has
       prompt=none.
    2. If `login` does not suffice, a stronger one is necessary. Return the weakest class that suffices.

    `required` is the class that the operator requires, or "". `reachable` is the strongest class of the user's factors.

    Raises OAuthError if no class suffices, or if a stronger login is necessary and the request has prompt=none.
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
    """Return True if the login is strong enough for the request, and satisfies the class `required`.

    `required` is the authentication context class that the operator requires, or "".
    """
    return satisfies(login.acr, required) and reached_class(request, login) is not None


def missing_class(request: AuthorizationRequest, login: Login, *, required: str) -> str | None:
    """Return the weakest authentication context class by which a new login would suffice (`suffices`).

    Returns None if no class would suffice. `required` is the class that the operator requires, or "".
    """
    return next((name for name in CLASSES if suffices(request, replace(login, acr=name), required=required)), None)


def desired_class(request: AuthorizationRequest, login: Login, *, reachable: str) -> str | None:
    """Return the weakest class of `acr_values` that the user can reach by a stronger login.

    Returns None if there is no such class, or if the login already satisfies a class of `acr_values`. `reachable` is
    the strongest class that the user can reach by the factors in the account. The caller may also answer the request
    without a stronger login.
    """
    if any(name in satisfied(login.acr) for name in request.acr_values):
        return None
    return next((name for name in satisfied(reachable)[::-1] if name in request.acr_values), None)
