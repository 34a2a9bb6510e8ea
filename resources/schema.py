"""Adds the security schemes and the scopes of each operation to the OpenAPI document of drf-spectacular."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from rest_framework.permissions import SAFE_METHODS, AllowAny, IsAuthenticatedOrReadOnly

from .conf import resource_server
from .scope_needs import is_bound_only, needs

OAUTH2, DPOP = "oauth2", "dpop"


class AutoSchema(SpectacularAutoSchema):
    """drf-spectacular's schema, without the operations that refuse every token.

    For example, `HasRequiredScopes` refuses every token if `required_scopes` has no entry for the operation.
    """

    def is_excluded(self) -> bool:
        """Return True if drf-spectacular excludes the operation, or if the operation refuses every token."""
        return super().is_excluded() or not needs(self.view, self.method)

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the security requirements of the operation.

        If the operation needs a token, omits the empty requirement `{}` (no token).
        """
        requirements: list[dict[str, Any]] = super().get_auth()
        # drf-spectacular adds the empty requirement for any AllowAny, even if another permission needs a token.
        if None in needs(self.view, self.method):
            return requirements
        return [requirement for requirement in requirements if requirement]


class JWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of operations that JWTAuthentication guards."""

    target_class = f"{__name__.rpartition('.')[0]}.authentication.JWTAuthentication"
    match_subclasses = True

    @property
    def name(self) -> list[str]:  # type: ignore[override]  # drf-spectacular reads it of instances only
        """Return the names of the OpenAPI security schemes: OAuth 2.0, and DPoP (RFC 9449) if this API accepts it."""
        return [OAUTH2, DPOP] if resource_server().dpop else [OAUTH2]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """Return two security schemes: oauth2 with the authorization code flow, and DPoP (OpenAPI 3)."""
        del auto_schema
        conf = resource_server()
        # Not `openIdConnect`: Swagger UI would then list each grant type of the issuer, and the issuer's scopes.
        flow = {"authorizationUrl": conf.authorization_url, "tokenUrl": conf.token_url, "scopes": dict(conf.scopes)}
        return [{"type": "oauth2", "flows": {"authorizationCode": flow}}, {"type": "http", "scheme": "DPoP"}]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return the security requirements of the operation, one for each alternative set of scopes.

        If no token is needed, the document must have the empty requirement `{}`, which every request meets. Returns
        `[{}]` for such an operation, or `[]` if drf-spectacular itself adds `{}`.
        """
        view, method = auto_schema.view, auto_schema.method
        options = needs(view, method)
        if None in options:
            # The empty requirement must not appear twice.
            return [] if _spectacular_says_public(view, method) else [{}]
        conf = resource_server()
        # DPoP is required in addition to oauth2, because a bound token needs the scopes, too.
        proof: dict[str, list[str]] = {DPOP: []} if conf.dpop and (conf.dpop.required or is_bound_only(view)) else {}
        return [{OAUTH2: sorted(scopes or ())} | proof for scopes in options or [()]]


def _spectacular_says_public(view: Any, method: str) -> bool:
    """Return True if drf-spectacular itself adds the requirement `{}`, which permits requests without a token."""
    kinds = [type(permission) for permission in view.get_permissions()]
    return AllowAny in kinds or (IsAuthenticatedOrReadOnly in kinds and method in SAFE_METHODS)
