"""OpenAPI: the bearer scheme, and the scopes of every operation as its permission says them (drf-spectacular)."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.permissions import AND, OR

from resources.conf import resource_server
from resources.permissions import TokenPermission, operands

Alternatives = list[frozenset[str]]


class JWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How an operation guarded by JWTAuthentication is described."""

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
        """One entry per alternative: a client needs all scopes of one of them."""
        found: Alternatives = [frozenset()]
        for permission in auto_schema.view.get_permissions():
            found = both(found, alternatives(permission, auto_schema.view, auto_schema.method))
        return [{self.name: sorted(scopes)} for scopes in found]


def alternatives(permission: Any, view: Any, method: str) -> Alternatives:
    """The sets of scopes of which `permission` needs one; a permission that knows no scopes needs the empty one."""
    if sides := operands(permission, AND):
        return both(*(alternatives(side, view, method) for side in sides))
    if sides := operands(permission, OR):
        return [scopes for side in sides for scopes in alternatives(side, view, method)]
    listed = permission.scopes(view, method) if isinstance(permission, TokenPermission) else ()
    return [frozenset(scopes) for scopes in listed] or [frozenset()]


def both(one: Alternatives, other: Alternatives) -> Alternatives:
    """The alternatives of two demands at once."""
    return list(dict.fromkeys(left | right for left in one for right in other))
