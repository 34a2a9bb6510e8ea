"""Errors are JSON for clients of the API only, and caches do not store the API's answers."""

from typing import Any

import pytest
from django.http import Http404, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.decorators import token_required
from resources.permissions import HasScopes
from resources.testing import bad_tokens, bearer, mint, pinned

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class Orders(APIView):
    permission_classes = [HasScopes("orders:read")]

    def get(self, request: Any) -> Response:
        return Response({"sub": request.auth.claims["sub"]})

    def post(self, request: Any) -> Response:
        raise Http404


class Streamed(Orders):
    def get(self, request: Any) -> Response:
        return Response(headers={"Cache-Control": "private, max-age=60"})


@method_decorator(cache_control(public=True, max_age=60), name="dispatch")
class Decorated(Orders):
    pass


class Open(Orders):
    permission_classes = [AllowAny]

    def get(self, request: Any) -> Response:
        return Response("for everybody", headers={"Vary": "Accept-Language"})


class Hidden(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        raise Http404


class Secret(Orders):
    permission_classes = [Hidden]


class OfSessions(APIView):
    authentication_classes = []
    permission_classes = []

    def get(self, request: Any) -> Response:
        return Response()


@api_view(["GET"])
@permission_classes([HasScopes("orders:read")])
def listed(request: Any) -> Response:
    return Response([request.auth.claims["sub"]])


@token_required(HasScopes("orders:read"))
def plain(request: Any, number: int) -> HttpResponse:
    return HttpResponse(
        f"{request.method} {number} {request.user} {request.auth.claims['sub']}", content_type="text/csv"
    )


@token_required()
def any_token(request: Any) -> HttpResponse:
    return HttpResponse(request.body)


def page(request: Any) -> HttpResponse:
    return HttpResponse("a page")


def broken(request: Any) -> HttpResponse:
    return HttpResponse("<h1>Not here</h1>", status=404)


def problem(request: Any) -> HttpResponse:
    return HttpResponse('{"title": "Out of credit"}', status=403, content_type="application/problem+json")


urlpatterns = [
    path("", include("resources.urls")),
    path("orders/", Orders.as_view()),
    path("streamed/", Streamed.as_view()),
    path("decorated/", Decorated.as_view()),
    path("open/", Open.as_view()),
    path("secret/", Secret.as_view()),
    path("of-sessions/", OfSessions.as_view()),
    path("listed/", listed),
    path("plain/<int:number>/", plain),
    path("any-token/", any_token),
    path("page/", page),
    path("broken/", broken),
    path("api/broken/", broken),
    path("api/problem/", problem),
]

pytestmark = pytest.mark.urls(__name__)


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        (None, True),
        ("*/*", True),
        ("application/json", True),
        ("application/json, text/html", True),
        ("application/json, text/html;q=0.9", True),
        ("text/html;q=0.5, application/json;q=0.9", True),
        ("image/png", True),
        ("text/html*=nobody''x", True),
        (";;;,q=é", True),
        (HTML, False),
        ("text/html", False),
        ("text/*", False),
        ("text/html, application/json;q=0.9", False),
    ],
)
def test_an_error_of_the_api_is_json_unless_the_client_prefers_html(
    client: Client, accept: str | None, is_json: bool
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    with pinned(PATHS=["/api/"]):
        answers = [client.get(path, headers=headers) for path in ("/api/nowhere", "/api/broken/")]
    for answer in answers:
        assert answer.status_code == 404
        assert (answer["Content-Type"] == "application/json") is is_json
        assert (answer.content == b'{"detail": "Not Found"}') is is_json


def test_an_error_in_another_format_of_json_stays_as_the_view_wrote_it(client: Client) -> None:
    """The middleware leaves an error in another JSON format unchanged: application/problem+json (RFC 9457)."""
    with pinned(PATHS=["/api/"]):
        answer = client.get("/api/problem/")
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert answer.json() == {"title": "Out of credit"}


@pytest.mark.parametrize(
    ("address", "paths", "is_json"),
    [
        ("/nowhere", [], False),
        ("/broken/", [], False),
        ("/broken/", ["/api/"], False),
        ("/nowhere", ["/"], True),
        ("/broken/", ["/"], True),
        ("/api/broken/", ["/api"], True),
        ("/api/broken/", ["/orders/", "/api/"], True),
        ("/api", ["/api/"], True),
        ("/apiary", ["/api/"], False),
        ("/apiary", ["/api"], False),
        ("/page/api/", ["/api/"], False),
    ],
)
def test_only_errors_below_the_api_s_paths_are_json(
    client: Client, address: str, paths: list[str], is_json: bool
) -> None:
    with pinned(PATHS=paths):
        answer = client.get(address)
    assert answer.status_code == 404
    assert (answer["Content-Type"] == "application/json") is is_json


@pytest.mark.parametrize(
    ("address", "is_json"),
    [
        ("/orders/", True),
        ("/listed/", True),
        ("/.well-known/oauth-protected-resource", True),
        ("/page/", False),
        ("/of-sessions/", False),
    ],
)
def test_a_guarded_view_belongs_to_the_api_without_an_entry_in_paths(
    client: Client, address: str, is_json: bool
) -> None:
    """Errors at the address of a guarded view are JSON, even if PATHS is empty.

    The test names an unknown host, which Django refuses before it resolves the view.
    """
    with pinned(PATHS=[]):
        answer = client.get(address, headers={"Host": "unknown.example"})
    assert answer.status_code == 400
    assert (answer["Content-Type"] == "application/json") is is_json


def send(client: Client, address: str, token: str | None = None) -> Any:
    with pinned():
        return client.get(address, headers=bearer(token or mint("orders:read")))


@pytest.mark.parametrize("address", ["/orders/", "/listed/", "/plain/1/", "/any-token/", "/open/"])
def test_the_answer_of_a_protected_view_is_not_cacheable(client: Client, address: str) -> None:
    for token in (mint("orders:read"), mint("other"), bad_tokens()["expired"]):
        answer = send(client, address, token)
        assert answer["Cache-Control"] == "no-store"
        assert "Authorization" in answer["Vary"].split(", ")
    with pinned():
        answer = client.get(address)
    assert (answer["Cache-Control"], "Authorization" in answer["Vary"]) == ("no-store", True)


def test_a_view_overrides_cache_control(client: Client) -> None:
    streamed, decorated, opened = (send(client, path) for path in ("/streamed/", "/decorated/", "/open/"))
    assert streamed["Cache-Control"] == "private, max-age=60"
    assert decorated["Cache-Control"] == "public, max-age=60"
    assert all("Authorization" in answer["Vary"] for answer in (streamed, decorated, opened))
    assert "Accept-Language" in opened["Vary"]


@pytest.mark.parametrize("address", ["/page/", "/of-sessions/", "/nowhere"])
def test_the_answers_of_other_views_are_unchanged(client: Client, address: str) -> None:
    answer = send(client, address)
    assert "Cache-Control" not in answer
    assert "Authorization" not in answer.get("Vary", "")
    assert send(client, "/.well-known/oauth-protected-resource")["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize("accept", ["text/html", HTML, "image/png", "nonsense"])
@pytest.mark.parametrize("address", ["/orders/", "/listed/", "/plain/1/", "/orders/?format=html"])
def test_a_bad_token_is_401_with_its_challenge_for_any_accept_header(client: Client, address: str, accept: str) -> None:
    with pinned():
        bad = client.get(address, headers={**bearer(bad_tokens()["expired"]), "Accept": accept})
        none = client.get(address, headers={"Accept": accept})
        poor = client.get(address, headers={**bearer(mint("other")), "Accept": accept})
        twice = client.get(
            f"{address}{'&' if '?' in address else '?'}access_token=x", headers=bearer(mint()) | {"Accept": accept}
        )
    assert (bad.status_code, 'error="invalid_token"' in bad["WWW-Authenticate"]) == (401, True)
    assert (none.status_code, none["WWW-Authenticate"].startswith("Bearer realm=")) == (401, True)
    assert (poor.status_code, 'error="insufficient_scope"' in poor["WWW-Authenticate"]) == (403, True)
    assert 'scope="orders:read"' in poor["WWW-Authenticate"]
    assert (twice.status_code, 'error="invalid_request"' in twice["WWW-Authenticate"]) == (400, True)


def test_a_good_token_gets_406_for_an_unsupported_media_type(client: Client) -> None:
    with pinned():
        headers = {**bearer(mint("orders:read")), "Accept": "image/png"}
        assert client.get("/orders/", headers=headers).status_code == 406
        assert client.get("/open/", headers={"Accept": "image/png"}).status_code == 406
        assert client.get("/secret/", headers=headers).status_code == 404
        assert client.get("/of-sessions/", headers={"Accept": "image/png"}).status_code == 406
        assert client.get("/orders/?format=html", headers=bearer(mint("orders:read"))).status_code == 404


def test_a_plain_view_is_guarded_like_a_drf_view(client: Client) -> None:
    good = bearer(mint("orders:read", sub="ada"))
    with pinned():
        answer = client.get("/plain/7/", headers=good)
        assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"GET 7 ada ada", "text/csv")
        assert client.post("/plain/7/", headers=good).content == b"POST 7 ada ada"
        assert client.options("/plain/7/", headers=good).content == b"OPTIONS 7 ada ada"
        assert client.get("/plain/7/").status_code == 401
        assert client.post("/plain/7/", headers=bearer(mint("other"))).status_code == 403
        assert client.get("/plain/7/", headers=bearer(bad_tokens()["expired"])).status_code == 401
        assert client.get("/any-token/").status_code == 401
        body = client.post("/any-token/", b"as it came", content_type="text/csv", headers=bearer(mint("")))
        assert body.content == b"as it came"


def test_an_api_view_function_is_guarded(client: Client) -> None:
    with pinned():
        assert client.get("/listed/", headers=bearer(mint("orders:read", sub="ada"))).json() == ["ada"]
        assert client.get("/listed/", headers=bearer(mint("other"))).status_code == 403
        assert client.get("/listed/").status_code == 401


def test_an_asynchronous_view_is_refused_with_a_type_error() -> None:
    async def later(request: Any) -> HttpResponse:
        return HttpResponse()

    with pytest.raises(TypeError, match="synchronous"):
        token_required()(later)  # type: ignore[arg-type]
