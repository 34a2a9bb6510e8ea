"""Pages of registered origins read what they may, and no others read anything."""

import pytest
from django.urls import get_resolver

from tests.tokens.conftest import make_client, post
from tokens.models import Client

pytestmark = pytest.mark.django_db
ORIGIN = "https://app.example"
READ = "Access-Control-Allow-Origin"
PREFLIGHT = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
OPEN = {"/oauth/token": "POST", "/oauth/revoke": "POST", "/oauth/userinfo": "GET, POST"}


@pytest.fixture
def page(apis):
    return make_client("page", "authorization_code", public=True, allowed_origins=f"https://other.example {ORIGIN}")


@pytest.mark.parametrize("path", OPEN)
def test_a_registered_origin_may_ask_and_read(client, page, path):
    asked = client.options(path, HTTP_ORIGIN=ORIGIN, **PREFLIGHT)
    assert (asked.status_code, asked[READ], asked["Access-Control-Allow-Methods"]) == (204, ORIGIN, OPEN[path])
    assert "Authorization" in asked["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in asked
    answer = post(client, path, {"client_id": "page", "grant_type": "x", "token": "x"}, HTTP_ORIGIN=ORIGIN)
    assert answer[READ] == ORIGIN
    assert "Origin" in answer["Vary"]
    assert "WWW-Authenticate" in answer["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.evil.example",
        "https://app.exampl",
        "http://app.example",
        "https://app.example:8443",
        "https://APP.example",
        f"https://other.example {ORIGIN}",
        "null",
        "*",
        "https://",
        "%",
    ],
)
def test_any_other_origin_reads_nothing(client, page, path, origin):
    assert READ not in client.options(path, HTTP_ORIGIN=origin, **PREFLIGHT)
    answer = post(client, path, {"client_id": "page", "token": "x"}, HTTP_ORIGIN=origin)
    assert READ not in answer
    assert "Origin" in answer["Vary"]


def test_the_origin_of_a_disabled_client_reads_nothing(client, page):
    Client.objects.update(is_active=False)
    assert READ not in client.options("/oauth/token", HTTP_ORIGIN=ORIGIN, **PREFLIGHT)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"])
def test_the_metadata_is_for_everybody(client, path):
    assert client.get(path, HTTP_ORIGIN="https://anybody.example")[READ] == "*"


@pytest.mark.parametrize("path", ["/oauth/authorize", "/accounts/login/", "/oauth/introspect", "/admin/login/"])
def test_no_page_and_no_endpoint_of_services_is_read_from_elsewhere(client, page, path):
    for answer in (
        client.get(path, HTTP_ORIGIN=ORIGIN),
        client.options(path, HTTP_ORIGIN=ORIGIN, **PREFLIGHT),
        post(client, path, {"client_id": "page"}, HTTP_ORIGIN=ORIGIN),
    ):
        assert READ not in answer


def test_without_an_origin_nothing_is_asked_of_the_database_for_it(client, django_assert_num_queries):
    assert get_resolver().resolve("/oauth/userinfo")
    with django_assert_num_queries(0):
        assert client.get("/oauth/userinfo").status_code == 401
