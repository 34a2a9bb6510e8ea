"""Permissions, alone and combined, and the challenge to a request that does not meet them."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.permissions import AND, OR, AllowAny, BasePermission, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.permissions import HasAnyScope, HasRequiredScopes, HasScopes, MaxAuthAge, RequireAcr, operands
from resources.testing import bearer, mint, pinned
from tests.clock import At

METADATA = 'resource_metadata="http://localhost:8001/.well-known/oauth-protected-resource"'
OFFER = 'DPoP algs="ES256 EdDSA Ed25519"'


class Never(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class NotThisObject(BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return False


def call(
    permissions: list[Any], scope: str = "a", *, method: str = "GET", attributes: Any = None, **claims: Any
) -> Any:
    """Send a request to a view with these permissions, and return the answer.

    The request has a token with the scope `scope`, and `claims` replace claims of the token. `attributes` are further
    attributes of the view's class.
    """

    def answer(self: APIView, request: Any) -> Response:
        self.check_object_permissions(request, object())
        return Response("let in")

    view = type(
        "View",
        (APIView,),
        {"permission_classes": permissions, "get": answer, "post": answer, "head": answer, **(attributes or {})},
    )
    with pinned():
        return view.as_view()(RequestFactory().generic(method, "/", headers=bearer(mint(scope, **claims))))


def needed(answer: Any) -> str:
    """Return the scope in the challenge of a 403, or "" if it has none."""
    challenge = answer.get("WWW-Authenticate", "")
    before = 'Bearer realm="api", error="insufficient_scope", error_description="The token\'s scope is not enough", '
    if not challenge:
        return ""
    assert challenge.startswith(before)
    assert challenge.endswith(f", {METADATA}")
    return str(challenge.removeprefix(before).removesuffix(f", {METADATA}").removeprefix('scope="').removesuffix('"'))


A, B, C = HasScopes("a"), HasScopes("b"), HasScopes("c")

LET_IN: dict[str, tuple[list[Any], str]] = {
    "one": ([A], "a"),
    "one of more": ([A], "x a y"),
    "all": ([HasScopes("a", "b")], "b a"),
    "any": ([HasAnyScope("a", "b")], "b"),
    "and": ([A & B], "a b"),
    "or, left": ([A | B], "a"),
    "or, right": ([A | B], "b"),
    "not": ([~B], "a"),
    "not both": ([~(A & B)], "a"),
    "with DRF's own": ([IsAuthenticated & A], "a"),
    "beside DRF's own": ([Never | A], "a"),
    "DRF's own beside it": ([A | AllowAny], ""),
    "two": ([A, B], "a b"),
    "deep": ([(A & B) | (C & ~B)], "c"),
}


@pytest.mark.parametrize("name", LET_IN)
def test_a_token_that_meets_the_permissions_is_accepted(name: str) -> None:
    permissions, scope = LET_IN[name]
    assert call(permissions, scope).status_code == 200


REFUSED: dict[str, tuple[list[Any], str, str]] = {
    "another": ([A], "b", "a"),
    "none": ([A], "", "a"),
    "a longer one": ([A], "ab", "a"),
    "a shorter one": ([HasScopes("ab")], "a", "ab"),
    "capitals": ([A], "A", "a"),
    "one of two": ([HasScopes("a", "b")], "a", "a b"),
    "any of two": ([HasAnyScope("b", "c")], "a", "b"),
    "and, the left": ([A & B], "b", "a b"),
    "and, the right": ([A & B], "a", "a b"),
    "and, in or": ([(A & B) | C], "b", "a b"),
    "or, twice": ([A | B, C], "b", "b c"),
    "or, nearer by the second permission": ([HasScopes("a", "x") | B, C], "a x", "a x c"),
    "or": ([A | B], "c", "a"),
    "not": ([~A], "a", ""),
    "not, inside": ([~(A | B)], "a", ""),
    "the second of two": ([A, B], "a", "a b"),
    "both of two": ([A, B], "c", "a b"),
    "the first of two": ([A, B], "b", "a b"),
    "with scopes of other operations": ([A, B], "a c d", "a b"),
    "beside DRF's own": ([IsAuthenticated, A, B], "b", "a b"),
    "foreign beside ours, and ours": ([Never | A, B], "b", "a b"),
    "foreign beside ours, and ours, with neither": ([Never | A, B], "c", "a b"),
    "foreign first": ([Never, A], "", ""),
    "foreign after ours": ([A, Never], "a", ""),
    "foreign beside ours": ([Never | A], "b", "a"),
    "foreign and ours": ([A & Never], "a", ""),
    "foreign after an or that passed by its second": ([A | B, Never], "b", ""),
    "foreign object after an or that passed": ([A | AllowAny, NotThisObject], "", ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_token_that_lacks_scopes_is_refused_and_the_challenge_names_them(name: str) -> None:
    permissions, scope, wanted = REFUSED[name]
    answer = call(permissions, scope)
    assert (answer.status_code, needed(answer)) == (403, wanted)


MAPPED = {"required_scopes": {"GET": ["a"], "POST": [["a", "b"], ["c"]]}}


@pytest.mark.parametrize(
    ("method", "scope", "status", "wanted"),
    [
        ("GET", "a", 200, ""),
        ("GET", "b", 403, "a"),
        ("HEAD", "a", 200, ""),
        ("HEAD", "c", 403, "a"),
        ("POST", "a b", 200, ""),
        ("POST", "c", 200, ""),
        ("POST", "a", 403, "a b"),
        ("POST", "", 403, "c"),
        ("PUT", "a b c", 403, ""),
        ("OPTIONS", "a b c", 403, ""),
        ("TRACE", "a b c", 403, ""),
    ],
)
def test_required_scopes_map_a_method_to_scopes(method: str, scope: str, status: int, wanted: str) -> None:
    answer = call([HasRequiredScopes()], scope, method=method, attributes=MAPPED)
    assert (answer.status_code, needed(answer)) == (status, wanted)


def test_an_action_takes_precedence_over_its_method() -> None:
    attributes = {"required_scopes": {"GET": ["a"], "export": ["b"]}, "action": "export"}
    assert needed(call([HasRequiredScopes()], "a", attributes=attributes)) == "b"
    assert call([HasRequiredScopes()], "b", attributes=attributes).status_code == 200


@pytest.mark.parametrize("mapped", [{}, {"GET": []}, {"POST": ["a"]}])
def test_a_method_without_an_entry_is_refused_and_the_challenge_names_no_scope(mapped: dict[str, Any]) -> None:
    answer = call([HasRequiredScopes()], "a b c", attributes={"required_scopes": mapped})
    assert (answer.status_code, needed(answer)) == (403, "")


def test_a_view_without_a_map_refuses_everything() -> None:
    assert call([HasRequiredScopes()], "a").status_code == 403


def test_a_permission_without_scopes_is_an_error() -> None:
    for build in (HasScopes, HasAnyScope, RequireAcr):
        for values in ((), ("",), ("a", "")):
            with pytest.raises(ValueError, match="at least one value is required"):
                build(*values)


def step_up(parameters: str) -> str:
    return (
        'Bearer realm="api", error="insufficient_user_authentication", '
        f'error_description="A stronger or more recent login is needed", {parameters}, {METADATA}, {OFFER}'
    )


def test_a_weak_login_gets_a_challenge_with_acr_values() -> None:
    permissions = [RequireAcr("gold", "platinum")]
    assert call(permissions, acr="platinum").status_code == 200
    for claims in ({}, {"acr": "silver"}, {"acr": "gold platinum"}):
        answer = call(permissions, **claims)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, step_up('acr_values="gold platinum"'))


def test_an_old_login_gets_a_challenge_with_max_age(at: At) -> None:
    now = int(time.time())
    at(datetime.fromtimestamp(now, UTC))
    assert call([MaxAuthAge(300)], auth_time=now - 300).status_code == 200
    for claims in ({}, {"auth_time": now - 301}, {"auth_time": 0}):
        answer = call([MaxAuthAge(300)], **claims)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, step_up('max_age="300"'))


def test_without_credentials_every_permission_asks_for_them_first() -> None:
    view = type("View", (APIView,), {"permission_classes": [A | RequireAcr("gold")]})
    answer = view.as_view()(RequestFactory().get("/"))
    assert (answer.status_code, answer["WWW-Authenticate"]) == (
        401,
        f'Bearer realm="api", scope="a", {METADATA}, {OFFER}',
    )


def test_operands_returns_both_sides_of_the_given_operator_only() -> None:
    both = (A & B)()
    assert operands(both, AND) == (A, B)
    assert operands(both, OR) == operands(A, AND) == ()


BARE: dict[str, tuple[list[Any], str]] = {
    "one": ([A], "a"),
    "all": ([HasScopes("b", "a")], "b a"),
    "any: the first": ([HasAnyScope("b", "a")], "b"),
    "two permissions": ([A, B], "a b"),
    "and": ([A & B], "a b"),
    "or: the shorter": ([(A & B) | C], "c"),
    "not, and ours": ([~A, B], "b"),
    "a login": ([RequireAcr("gold")], ""),
    "a login and a scope": ([RequireAcr("gold"), A], "a"),
    "DRF's own": ([IsAuthenticated], ""),
    "DRF's own, and ours": ([IsAuthenticated, A], "a"),
    "foreign or ours": ([Never | A], "a"),
    "foreign": ([Never], ""),
    "by a map": ([HasRequiredScopes()], "a"),
    "by a map, and more": ([HasRequiredScopes(), B], "a b"),
}


class Fragile(APIView):
    """A view that reads the token of the request to choose its permissions."""

    def get_permissions(self) -> list[Any]:
        return [A] if self.request.auth.scopes else [B]

    def get(self, request: Any) -> Response:
        return Response()


@pytest.mark.parametrize("token", ["", "expired", "garbage"])
@pytest.mark.parametrize("name", BARE)
def test_the_challenge_of_a_401_names_the_scopes_that_the_request_needs(name: str, token: str) -> None:
    permissions, wanted = BARE[name]
    view = type("View", (APIView,), {"permission_classes": permissions, "get": lambda *_: None, **MAPPED})
    headers = {"": {}, "expired": bearer(mint(exp=1)), "garbage": bearer("a.b.c")}[token]
    with pinned():
        answer = view.as_view()(RequestFactory().get("/", headers=headers))
    assert answer.status_code == 401
    assert ('error="invalid_token"' in answer["WWW-Authenticate"]) is bool(token)
    assert answer["WWW-Authenticate"].count("scope=") == bool(wanted)
    end = (f'scope="{wanted}", ' if wanted else '", ' if token else "") + f"{METADATA}, {OFFER}"
    assert answer["WWW-Authenticate"].endswith(end)


def test_a_bad_token_is_401_also_if_the_permissions_of_the_view_cannot_be_read() -> None:
    with pinned():
        answer = Fragile.as_view()(RequestFactory().get("/", headers=bearer(mint(exp=1))))
        assert Fragile.as_view()(RequestFactory().get("/", headers=bearer(mint("a")))).status_code == 200
    assert (answer.status_code, "scope=" in answer["WWW-Authenticate"]) == (401, False)


def test_a_view_that_asks_for_a_later_login_names_the_scopes_that_the_token_lacks_as_well() -> None:
    """If the token lacks scopes and the login is too weak or too old, one challenge names both requirements.

    So the client can meet both with a single authorization request (RFC 9470 section 3).
    """
    lacking = call([RequireAcr("gold"), A, B], "b")
    assert lacking["WWW-Authenticate"] == step_up('acr_values="gold", scope="a b"')
    enough = call([RequireAcr("gold"), A | B], "b")
    assert enough["WWW-Authenticate"] == step_up('acr_values="gold"')
    assert call([MaxAuthAge(300), A], "b")["WWW-Authenticate"] == step_up('max_age="300", scope="a"')
    assert needed(call([A, B, RequireAcr("gold")], "b")) == "a b"
