"""`resources` in another Django project (the shop), which trusts a running issuer.

The shop has a copy of the folder `resources`, or the installed package.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import marks
from tests.flow.conftest import System
from tests.flow.shop import Shop, documented, opened
from tests.flow.test_revocation import revoke, seconds_until
from tests.flow.test_story import log_in, service_token
from tests.packages.environments import built, installed, wheel

pytestmark = [*marks.stack]

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
APPLICATION = "https://app.example"


@pytest.fixture(scope="module", params=["copy", pytest.param("package", marks=pytest.mark.packages)])
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Return the Python interpreter of an environment with the package `keyturn_resources`, or None.

    If the result is None, the shop (the other Django project) uses a copy of the folder `resources` instead of the
    package.
    """
    if request.param == "copy":
        return None
    package = f"{wheel(built(tmp_path_factory), 'keyturn_resources')}[openapi]"
    return installed(tmp_path_factory.mktemp("shop") / "venv", package, "django-cors-headers")


@pytest.fixture(scope="module")
def shop(system: System, python: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    blocks = documented("OpenAPI", "# settings.py"), documented("Your own users", "INSTALLED_APPS")
    with opened(system, tmp_path_factory.mktemp("shop"), *blocks, python=python) as shop:
        yield shop


@pytest.fixture(scope="module")
def shop_with_cors(system: System, python: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    blocks = (
        documented("OpenAPI", "# settings.py"),
        documented("Browsers of other origins (CORS)", "# settings.py"),
    )
    with opened(system, tmp_path_factory.mktemp("shop"), *blocks, python=python) as shop:
        yield shop


def test_a_foreign_project_verifies_tokens_and_decides_by_scope_with_the_issuer_s_url_only(
    system: System, shop: Shop
) -> None:
    token = service_token(system)
    answer = shop.get("/orders/", token)
    assert (answer.status_code, answer.json()["sub"]) == (200, "service")
    assert shop.get("/refund/", token).status_code == 200
    refused = shop.get("/stock/", token)
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert shop.get("/orders/").status_code == 401
    assert shop.get("/orders/", f"{token}x").status_code == 401


def test_a_foreign_project_imports_no_other_room_of_this_project(system: System, shop: Shop) -> None:
    shop.get("/orders/", service_token(system))
    rooms = set(shop.get("/rooms/").json()["rooms"])
    assert shop.package in rooms
    assert {"tokens", "project", "examples", "tests"} & rooms == set()
    # a process of its own, as drf-spectacular imports the toolkit, if it is installed, to make an OpenAPI document
    fresh = shop.manage("shell", "-v", "0", "-c", "import orders, sys; print(*sys.modules, sep='\\n')").stdout.split()
    assert {"orders", shop.package} <= set(fresh)
    assert {"tokens", "project", "examples", "tests", "oauth2_provider"} & set(fresh) == set()


def test_a_foreign_project_refuses_a_revoked_token(system: System, shop: Shop) -> None:
    """Check that two views refuse the token: one uses introspection, and the other uses the revocation feed."""
    token = service_token(system)
    assert [shop.get(path, token).status_code for path in ("/orders/", "/refund/")] == [200, 200]
    assert revoke(system, token) == 200
    seconds_until(lambda: shop.get("/refund/", token).status_code in {401, 403})
    seconds_until(lambda: shop.get("/orders/", token).status_code == 401)


def test_the_commands_and_checks_work(system: System, shop: Shop) -> None:
    checked = shop.manage("check")
    assert (checked.returncode, "resources." in checked.stderr) == (0, False), checked.stderr
    checked = shop.manage("check_issuer", "--json")
    assert checked.returncode == 0, checked.stderr
    assert system.issuer in json.dumps(json.loads(checked.stdout))


def test_a_view_without_permissions_refuses_anonymous_requests_and_a_check_reports_a_missing_default(
    shop: Shop,
) -> None:
    assert shop.get("/forgotten/").status_code == 401
    checked = shop.manage("check", SHOP_FORGETS="DEFAULT_PERMISSION_CLASSES")
    assert checked.returncode != 0
    assert "resources.E009" in checked.stderr


def test_functions_and_plain_views_are_guarded_as_the_documentation_says(system: System, shop: Shop) -> None:
    token = service_token(system)
    assert shop.get("/listed/", token).json() == ["service"]
    answer = shop.get("/export/", token, Accept="text/csv")
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (200, "service", "text/csv")
    assert shop.get("/report/", token).status_code == 403
    assert {shop.get(path).status_code for path in ("/listed/", "/export/", "/report/")} == {401}


def test_a_user_is_created_once_and_a_service_is_no_local_user(system: System, shop: Shop) -> None:
    assert shop.get("/orders/", service_token(system)).json()["user"] == ["TokenUser", "service"]
    token = log_in(system)["access_token"]
    first, again = (shop.get("/orders/", token).json() for _ in range(2))
    assert first == again
    assert first["user"][0] == "User"
    assert first["user"][1] != first["sub"]
    links = f"from {shop.package}.user_links.models import UserLink; print(UserLink.objects.get().sub)"
    assert first["sub"] in shop.manage("shell", "-c", links).stdout
    assert shop.manage("makemigrations", "--check", "--dry-run").returncode == 0


def test_the_openapi_document_of_the_shop_lists_the_scopes_of_each_operation(system: System, shop: Shop) -> None:
    paths = shop.get("/api/schema/", Accept="application/json").json()["paths"]
    security = {
        f"{method} {path}": operation["security"]
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    assert security == {
        "get /forgotten/": [{"oauth2": []}],
        "get /listed/": [{"oauth2": ["notes:read"]}],
        "get /orders/": [{"oauth2": ["notes:read"]}],
        "get /prices/": [{}],
        "get /refund/": [{"oauth2": ["notes:read"]}],
        "get /stock/": [{"oauth2": ["notes:write"]}],
    }
    page = shop.get("/api/docs/", Accept=BROWSER)
    assert (page.status_code, "/api/schema/" in page.text) == (200, True)
    made = shop.manage("spectacular", "--format", "openapi-json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["paths"].keys() == paths.keys()


def test_operations_are_public_or_refused_as_the_openapi_document_says(system: System, shop: Shop) -> None:
    assert shop.get("/prices/").status_code == 200
    assert shop.call("POST", "/stock/", log_in(system)["access_token"]).status_code == 403


def test_errors_are_json_and_pages_stay_pages(shop: Shop) -> None:
    assert shop.get("/nowhere").json() == {"detail": "Not Found"}
    page = shop.get("/nowhere", Accept=BROWSER)
    assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (404, "text/html")


def test_answers_are_not_cacheable_and_a_bad_token_gets_a_challenge_in_a_browser(system: System, shop: Shop) -> None:
    token = service_token(system)
    for answer in (shop.get("/orders/", token), shop.get("/orders/", f"{token}x", Accept=BROWSER)):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Authorization" in answer.headers["Vary"]
    for accept in ("text/html", BROWSER, "image/png"):
        refused = shop.get("/orders/", f"{token}x", Accept=accept)
        assert (refused.status_code, 'error="invalid_token"' in refused.headers["WWW-Authenticate"]) == (401, True)


def preflight(shop: Shop, path: str, origin: str, headers: str) -> dict[str, str]:
    answer = shop.call(
        "OPTIONS", path, Origin=origin, Access_Control_Request_Method="GET", Access_Control_Request_Headers=headers
    )
    return {name.lower(): value for name, value in answer.headers.items()} | {"status": str(answer.status_code)}


def test_an_application_of_an_origin_that_is_listed_can_call_the_api(system: System, shop_with_cors: Shop) -> None:
    names = ("authorization", "content-type", "traceparent", "tracestate", "baggage", "sentry-trace")
    answer = preflight(shop_with_cors, "/orders/", APPLICATION, ", ".join(names))
    assert (answer["status"], answer["access-control-allow-origin"]) == ("200", APPLICATION)
    assert set(names) <= set(answer["access-control-allow-headers"].split(", "))
    assert "access-control-allow-credentials" not in answer
    token = service_token(system)
    for path, bearer, status in (("/orders/", token, 200), ("/orders/", f"{token}x", 401), ("/nowhere", token, 404)):
        answered = shop_with_cors.get(path, bearer, Origin=APPLICATION)
        assert (answered.status_code, answered.headers["Access-Control-Allow-Origin"]) == (status, APPLICATION)
        assert "WWW-Authenticate" in answered.headers["Access-Control-Expose-Headers"]
        assert "Origin" in answered.headers["Vary"].title()


def test_an_application_of_another_origin_cannot(system: System, shop_with_cors: Shop, shop: Shop) -> None:
    token = service_token(system)
    for origin in ("https://evil.example", "http://app.example", "https://app.example.evil.example", "null"):
        assert "access-control-allow-origin" not in preflight(shop_with_cors, "/orders/", origin, "authorization")
        answered = shop_with_cors.get("/orders/", token, Origin=origin)
        assert "Access-Control-Allow-Origin" not in answered.headers
    closed = preflight(shop, "/orders/", APPLICATION, "authorization")
    assert (closed["status"], "access-control-allow-origin" in closed) == ("401", False)
    metadata = shop_with_cors.get("/.well-known/oauth-protected-resource", Origin="https://evil.example")
    assert metadata.headers["Access-Control-Allow-Origin"] == "*"
