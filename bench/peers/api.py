"""Keyturn's API with further views, which are compared with Keyturn's own. All views have the same middleware.

- `ping` does not authenticate. Its time is that of the server, Django and the middleware alone.
- `checked` authenticates as Keyturn's API does, and gives the same answer as `ping`.
- `pyjwk` and `simplejwt` are protected by other libraries.
"""

from typing import Any

import jwt
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication

from project.urls import api
from resources.conf import resource_server
from resources.permissions import HasScopes


class PyJWK(BaseAuthentication):
    """DRF authentication by PyJWT's documented flow, "Retrieve RSA signing keys from a JWKS endpoint"."""

    client: jwt.PyJWKClient | None = None  # lives as long as the process

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        """Return the subject and the claims of the token. Raises AuthenticationFailed if PyJWT refuses the token."""
        conf = resource_server()
        issuer = conf.issuers[0].url
        PyJWK.client = PyJWK.client or jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")
        token = request.headers.get("Authorization", "").partition(" ")[2]
        try:
            key = PyJWK.client.get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, algorithms=["RS256"], audience=list(conf.audience), issuer=issuer)
        except jwt.PyJWTError as error:
            raise AuthenticationFailed from error
        return claims["sub"], claims


class Ping(APIView):
    """A view without authentication. Its time is the floor: server, Django and middleware alone."""

    authentication_classes: Any = []
    permission_classes: Any = [AllowAny]

    def get(self, request: Request) -> Response:
        """Return a constant answer."""
        del request
        return Response({"ok": True})


class Checked(Ping):
    """The view with Keyturn's authentication and Keyturn's check of the scope."""

    permission_classes = [HasScopes("notes:read")]


Checked.authentication_classes = APIView.authentication_classes


class Claims(Ping):
    """The base class of the views that another library protects. It checks the scope."""

    def get(self, request: Request) -> Response:
        """Return a constant answer. Raises AssertionError if the token lacks the scope notes:read."""
        assert "notes:read" in request.auth["scope"].split()
        return Response({"ok": True})


class WithPyJWK(Claims):
    """A view that PyJWT protects, by its PyJWKClient."""

    authentication_classes = [PyJWK]


class WithSimpleJWT(Claims):
    """A view that djangorestframework-simplejwt protects."""

    authentication_classes = [JWTStatelessUserAuthentication]


urlpatterns = [
    *api.urlpatterns,
    path("ping", Ping.as_view()),
    path("checked", Checked.as_view()),
    path("pyjwk", WithPyJWK.as_view()),
    path("simplejwt", WithSimpleJWT.as_view()),
]
