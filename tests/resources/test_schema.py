"""The security requirements of each operation in the OpenAPI document."""

from typing import Any

import pytest
from django.test import Client
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import (
    AllowAny,
    BasePermission,
    DjangoModelPermissionsOrAnonReadOnly,
    IsAdminUser,
    IsAuthenticated,
    IsAuthenticatedOrReadOnly,
)
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.authentication import JWTAuthentication
from resources.decorators import token_required
from resources.permissions import HasAnyScope, HasRequiredScopes, HasScopes, RequireAcr, RequireDPoP

ANY = {"oauth2": []}
A, B = {"oauth2": ["a"]}, {"oauth2": ["b"]}


class ScopedView(APIView):
    required_scopes = {"GET": ["a"], "PUT": [], "PATCH": [[]]}

    def get(self, request: Any) -> Response:
        """Return an empty response."""
        return Response()

    post = put = patch = get


def security(*permissions: Any, view: type[APIView] = ScopedView) -> dict[str, Any]:
    """Return the `security` of each operation of a view with these permissions, by HTTP method.

    The value is None if the operation has no `security`.
    """
    routes = [path("one/", view.as_view(permission_classes=permissions))]
    (operations,) = SchemaGenerator(patterns=routes).get_schema(public=True)["paths"].values() or [{}]
    return {method: operation.get("security") for method, operation in operations.items()}


def same(expected: Any) -> dict[str, Any]:
    return dict.fromkeys(("get", "post", "put", "patch"), expected)


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ([AllowAny], [{}]),
        ([], [{}]),
        ([AllowAny | HasScopes("a")], [{}]),
        ([AllowAny & HasScopes("a")], [A]),
        ([AllowAny, HasScopes("a")], [A]),
        ([RequireDPoP() & HasScopes("a")], [A | {"dpop": []}]),
        ([RequireDPoP() | HasScopes("a")], [ANY, A]),
        ([IsAuthenticated], [ANY]),
        ([IsAdminUser], [ANY]),
        ([~IsAdminUser], [ANY]),
        ([BasePermission], [ANY]),
        ([RequireAcr("mfa")], [ANY]),
        ([HasScopes("a"), RequireAcr("mfa")], [A]),
        ([HasAnyScope("a", "b")], [A, B]),
        ([HasScopes("a"), HasScopes("b")], [{"oauth2": ["a", "b"]}]),
    ],
)
def test_an_operation_needs_the_scopes_of_its_permissions(permissions: list[Any], expected: list[Any]) -> None:
    assert security(*permissions) == same(expected)


@pytest.mark.parametrize("permission", [IsAuthenticatedOrReadOnly, DjangoModelPermissionsOrAnonReadOnly])
def test_a_view_that_is_public_to_read_needs_a_token_for_writing_only(permission: type[BasePermission]) -> None:
    assert security(permission) == {"get": [{}], "post": [ANY], "put": [ANY], "patch": [ANY]}


def test_an_operation_that_refuses_every_token_is_not_in_the_document() -> None:
    assert security(HasRequiredScopes()) == {"get": [A], "patch": [ANY]}
    assert security(HasRequiredScopes() & HasScopes("b")) == {"get": [{"oauth2": ["a", "b"]}], "patch": [B]}
    assert security(HasRequiredScopes() | HasScopes("b"))["post"] == [B]


class Mixed(ScopedView):
    authentication_classes = [JWTAuthentication, SessionAuthentication]


def test_another_authentication_class_stays_an_alternative() -> None:
    assert security(HasScopes("a"), view=Mixed)["get"] == [A, {"cookieAuth": []}]


class Plain(ScopedView):
    schema = SpectacularAutoSchema()


def test_drf_spectacular_s_own_schema_class_marks_no_protected_operation_as_public() -> None:
    assert security(HasRequiredScopes(), view=Plain)["post"] == [ANY]


@api_view(["GET"])
@permission_classes([HasScopes("a")])
def function(request: Any) -> Response:
    """Return an empty response."""
    return Response()


@token_required(HasScopes("a"))
def plain(request: Any) -> Any:
    """Return None. No test calls this view."""


urlpatterns = [
    path("function/", function),
    path("plain/", plain),
    path("api/", include("resources.openapi")),
]


@pytest.mark.urls(__name__)
def test_one_include_serves_the_document_and_its_page_without_a_token(client: Client) -> None:
    answer = client.get("/api/schema/", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert list(answer.json()["paths"]) == ["/function/"]
    assert answer.json()["paths"]["/function/"]["get"]["security"] == [A]
    page = client.get("/api/docs/", headers={"Accept": "text/html"})
    assert (page.status_code, "/api/schema/" in page.content.decode()) == (200, True)
