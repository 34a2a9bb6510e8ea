"""OpenAPI: the bearer scheme, and what each operation needs, read from its permissions (drf-spectacular)."""

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
"""The scopes of which a token needs all (possibly none). None: no token is needed."""
Alternatives = list[Needs]
"""A client must meet one of them; if there is none, every request is refused."""

READABLE = (IsAuthenticatedOrReadOnly, DjangoModelPermissionsOrAnonReadOnly)


class AutoSchema(SpectacularAutoSchema):
    """drf-spectacular's schema, without the operations that no token can use (`HasRequiredScopes` without a map)."""

    def is_excluded(self) -> bool:
        """True if the view is excluded, or if no token can use this operation."""
        return super().is_excluded() or not needs(self.view, self.method)

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the security requirements, the empty one only if no token is needed."""
        found: list[dict[str, Any]] = super().get_auth()
        # drf-spectacular adds the empty one for any AllowAny, also beside a permission that needs a token.
        return found if None in needs(self.view, self.method) else [one for one in found if one]


class JWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe an operation that JWTAuthentication guards."""

    target_class = "resources.authentication.JWTAuthentication"
    match_subclasses = True
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """OpenID Connect discovery tells a client everything else (OpenAPI 3, Security Scheme Object)."""
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
        found = needs(view, method)
        if None in found:
            return [] if _spectacular_says_public(view, method) else [{}]
        return [{self.name: sorted(scopes or ())} for scopes in found or [frozenset()]]


def needs(view: Any, method: str) -> Alternatives:
    """Return what a request to `view` needs by all of its permissions."""
    found: Alternatives = [None]
    for permission in view.get_permissions():
        found = both(found, alternatives(permission, view, method))
    return found


def alternatives(permission: Any, view: Any, method: str) -> Alternatives:
    """Return what `permission` needs. An unknown permission needs a token with any scopes."""
    if sides := operands(permission, AND):
        return both(*(alternatives(side, view, method) for side in sides))
    if sides := operands(permission, OR):
        return [scopes for side in sides for scopes in alternatives(side, view, method)]
    if isinstance(permission, AllowAny) or (isinstance(permission, READABLE) and method in SAFE_METHODS):
        return [None]
    if isinstance(permission, TokenPermission):
        return [frozenset(scopes) for scopes in permission.scopes(view, method)]
    return [frozenset()]


def both(one: Alternatives, other: Alternatives) -> Alternatives:
    """Return the alternatives that meet both demands."""
    return list(dict.fromkeys(_together(left, right) for left in one for right in other))


def _together(left: Needs, right: Needs) -> Needs:
    if left is None or right is None:
        return right if left is None else left
    return left | right


def _spectacular_says_public(view: Any, method: str) -> bool:
    """True if drf-spectacular adds the empty requirement itself; it must not be there twice."""
    kinds = [type(permission) for permission in view.get_permissions()]
    return AllowAny in kinds or (IsAuthenticatedOrReadOnly in kinds and method in SAFE_METHODS)
