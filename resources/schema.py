"""The OpenAPI security scheme, and the scopes of each operation, read from its permissions (drf-spectacular)."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from rest_framework.permissions import (
    AND,
    OR,
    SAFE_METHODS,
    AllowAny,
    DjangoModelPermissionsOrAnonReadOnly,
    IsAuthenticatedOrReadOnly,
)

from resources.conf import resource_server
from resources.permissions import TokenPermission, operands

Needs = frozenset[str] | None
"""The scopes that a token needs, all of them. None if no token is needed."""
Alternatives = list[Needs]
"""A client must meet at least one entry. An empty list refuses every request."""

READABLE = (IsAuthenticatedOrReadOnly, DjangoModelPermissionsOrAnonReadOnly)


class AutoSchema(SpectacularAutoSchema):
    """drf-spectacular's schema, without the operations that no token can use (`HasRequiredScopes` without a map)."""

    def is_excluded(self) -> bool:
        """Return True if the view is excluded, or if no token can use this operation."""
        return super().is_excluded() or not needs(self.view, self.method)

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the security requirements, the empty one only if no token is needed."""
        requirements: list[dict[str, Any]] = super().get_auth()
        # drf-spectacular adds the empty one for any AllowAny, also beside a permission that needs a token.
        if None in needs(self.view, self.method):
            return requirements
        return [requirement for requirement in requirements if requirement]


class JWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of operations that JWTAuthentication guards."""

    target_class = "resources.authentication.JWTAuthentication"
    match_subclasses = True
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return a scheme that refers to the issuer's metadata (OpenAPI 3, Security Scheme Object)."""
        del auto_schema
        conf = resource_server()
        return {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{conf.issuers[0].url.rstrip('/')}/.well-known/openid-configuration",
            "description": "\n".join(f"- `{name}`: {text}" for name, text in conf.scopes.items()),
        }

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return one entry per alternative, or the empty requirement if no token is needed."""
        view, method = auto_schema.view, auto_schema.method
        options = needs(view, method)
        if None in options:
            # The empty requirement must not appear twice.
            return [] if _spectacular_says_public(view, method) else [{}]
        return [{self.name: sorted(scopes or ())} for scopes in options or [frozenset()]]


def needs(view: Any, method: str) -> Alternatives:
    """Return the alternatives that meet all permissions of `view`."""
    options: Alternatives = [None]
    for permission in view.get_permissions():
        options = both(options, alternatives(permission, view, method))
    return options


def alternatives(permission: Any, view: Any, method: str) -> Alternatives:
    """Return the alternatives of `permission`. An unknown permission needs a token with any scopes."""
    if sides := operands(permission, AND):
        return both(*(alternatives(side, view, method) for side in sides))
    if sides := operands(permission, OR):
        return [scopes for side in sides for scopes in alternatives(side, view, method)]
    if isinstance(permission, AllowAny) or (isinstance(permission, READABLE) and method in SAFE_METHODS):
        return [None]
    if isinstance(permission, TokenPermission):
        return [frozenset(scopes) for scopes in permission.scopes(view, method)]
    return [frozenset()]


def both(left: Alternatives, right: Alternatives) -> Alternatives:
    """Return the alternatives that meet `left` and `right`."""
    return list(dict.fromkeys(_together(first, second) for first in left for second in right))


def _together(left: Needs, right: Needs) -> Needs:
    if left is None or right is None:
        return right if left is None else left
    return left | right


def _spectacular_says_public(view: Any, method: str) -> bool:
    """Return True if drf-spectacular adds the empty requirement itself."""
    kinds = [type(permission) for permission in view.get_permissions()]
    return AllowAny in kinds or (IsAuthenticatedOrReadOnly in kinds and method in SAFE_METHODS)
