"""Compute all scopes that a request needs, from the permissions of its view, for challenges and the OpenAPI document.

- A challenge names all scopes that the request needs (RFC 6750 section 3), also those that the token has. It names no
  other scope. The client then requests a token with these scopes and those that it requested before (Model Context
  Protocol 2026-07-28).
- A permission that is not of this package counts as one that any token meets. The exceptions are the permissions of DRF
  that need no token (`AllowAny`, and the permissions in READABLE for safe methods).
"""

import logging
from collections.abc import Collection, Iterable
from typing import Any

from rest_framework.permissions import (
    AND,
    OR,
    SAFE_METHODS,
    AllowAny,
    DjangoModelPermissionsOrAnonReadOnly,
    IsAuthenticatedOrReadOnly,
)

from .permissions import RequireDPoP, TokenPermission, operands

logger = logging.getLogger(__name__)

Needs = tuple[str, ...] | None
"""A set of scopes, all of which the token needs. None if no token is needed."""
Alternatives = list[Needs]
"""A request is permitted if it meets at least one entry. An empty list refuses every request."""

READABLE = (IsAuthenticatedOrReadOnly, DjangoModelPermissionsOrAnonReadOnly)


def challenged(
    view: Any, method: str, *, token_scopes: Collection[str] | None = None, demanded: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the scopes that the challenge to a request names.

    `token_scopes` are the scopes of the token, or None if the request has no token. `demanded` are the scopes that the
    refusing permission demands. `needs` returns alternative sets of scopes, each of which is enough for the request.

    1. Return `demanded` if the permissions cannot be read, or if the request needs no token.
    2. Return () if `demanded` is empty and the token has all scopes of one of the sets.
    3. Find the sets that contain all of `demanded`, and at least one scope that the token lacks. Of these sets, return
       the one with the fewest scopes that the token lacks.
    4. If there is no such set, return `demanded`.
    """
    try:
        options = needs(view, method)
    except Exception:
        logger.debug("The permissions of %s cannot be read for a challenge", type(view).__name__, exc_info=True)
        return tuple(demanded)
    own = set(token_scopes or ())
    is_met = token_scopes is not None and not demanded and any(set(scopes or ()) <= own for scopes in options)
    if None in options or is_met:
        return tuple(demanded)
    lacking = [scopes for scopes in options if scopes and set(demanded) <= set(scopes) and set(scopes) - own]
    return min(lacking, key=lambda scopes: len(set(scopes) - own), default=tuple(demanded))


def needs(view: Any, method: str) -> Alternatives:
    """Return the alternative sets of scopes that a request needs. Each set meets all permissions of `view`.

    If the list contains the entry `None`, the request needs no token. If the list is empty, every request is refused.
    """
    options: Alternatives = [None]
    for permission in view.get_permissions():
        options = both(options, alternatives(permission, view, method))
    return options


def is_bound_only(view: Any) -> bool:
    """Return True if the view has the permission RequireDPoP, and so accepts only tokens that are bound to a key.

    Returns False if the permissions cannot be read.
    """
    try:
        return any(_needs_binding(permission) for permission in view.get_permissions())
    except Exception:
        logger.debug("The permissions of %s cannot be read for a challenge", type(view).__name__, exc_info=True)
        return False


def _needs_binding(permission: Any) -> bool:
    return isinstance(permission, RequireDPoP) or any(map(_needs_binding, operands(permission, AND)))


def alternatives(permission: Any, view: Any, method: str) -> Alternatives:
    """Return the alternative sets of scopes that meet `permission`.

    If the list contains the entry `None`, the request needs no token. For an unknown permission, a token with any
    scopes is enough.
    """
    if sides := operands(permission, AND):
        return both(*(alternatives(side, view, method) for side in sides))
    if sides := operands(permission, OR):
        return [scopes for side in sides for scopes in alternatives(side, view, method)]
    if isinstance(permission, AllowAny) or (isinstance(permission, READABLE) and method in SAFE_METHODS):
        return [None]
    if isinstance(permission, TokenPermission):
        return [tuple(scopes) for scopes in permission.scopes(view, method)]
    return [()]


def both(left: Alternatives, right: Alternatives) -> Alternatives:
    """Return the alternative sets of scopes that meet two permissions together.

    `left` and `right` are the alternatives that meet the first and the second permission. The result has the union of
    each set in `left` with each set in `right`, without duplicates.
    """
    pairs = (_together(first, second) for first in left for second in right)
    return list({None if scopes is None else frozenset(scopes): scopes for scopes in pairs}.values())


def _together(left: Needs, right: Needs) -> Needs:
    if left is None or right is None:
        return right if left is None else left
    return _unique((*left, *right))


def _unique(scopes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scopes))
