"""The view for forward authentication, which a reverse proxy asks before it forwards a request.

tests/proxies/test_forward_auth.py uses real proxies.
"""

import pytest
from django.test import Client, override_settings
from django.urls import path

from resources.forward_auth import forward_auth
from resources.permissions import HasRequiredScopes, HasScopes
from resources.testing import bad_tokens, bearer, mint, pinned

urlpatterns = [
    path("any/", forward_auth()),
    path("read/", forward_auth(HasScopes("notes:read"))),
    path("by-method/", forward_auth(HasRequiredScopes())),
]


@pytest.fixture
def site():
    with pinned(), override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]):
        yield Client(raise_request_exception=False, enforce_csrf_checks=True)


def names(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("X-Keyturn-")}


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "head"])
def test_a_good_token_passes_with_its_identity(site, method):
    token = mint("b a", sub="grüße%", client_id="app")
    answer = getattr(site, method)("/any/", headers=bearer(token))
    assert (answer.status_code, answer.content, answer.headers["Cache-Control"]) == (204, b"", "no-store")
    assert names(answer) == {
        "X-Keyturn-Subject": "gr%C3%BC%C3%9Fe%25",
        "X-Keyturn-Client": "app",
        "X-Keyturn-Issuer": "http://localhost:8000",
        "X-Keyturn-Scope": "a b",
    }


def test_every_header_has_a_value_also_for_a_token_without_scopes(site):
    answer = site.get("/any/", headers=bearer(mint("")))
    assert (answer.status_code, names(answer)["X-Keyturn-Scope"]) == (204, "-")
    assert all(names(answer).values())


@pytest.mark.parametrize("name", bad_tokens())
def test_a_bad_token_gets_401_and_no_identity(site, name):
    answer = site.get("/read/", headers=bearer(bad_tokens("notes:read")[name]))
    assert (answer.status_code, names(answer)) == (401, {})
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_missing_scope_gets_403_with_the_challenge(site):
    answer = site.get("/read/", headers=bearer(mint("other")))
    assert (answer.status_code, 'scope="notes:read"' in answer.headers["WWW-Authenticate"]) == (403, True)


def test_permissions_that_depend_on_the_method_refuse_every_token(site):
    assert site.get("/by-method/", headers=bearer(mint("notes:read"))).status_code == 403


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer a b", "Bearer a, Bearer b"])
def test_a_malformed_header_gets_401_because_proxies_make_a_500_of_400(site, authorization):
    answer = site.get("/any/", headers={"Authorization": authorization})
    assert (answer.status_code, answer.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")


@pytest.mark.parametrize("name", ["X-Keyturn-Subject", "x-keyturn-scope", "X-Keyturn-Other", "X_Keyturn_Subject"])
def test_a_client_that_sends_the_proxy_s_headers_is_refused_even_with_a_good_token(site, name):
    answer = site.get("/any/", headers=bearer(mint()) | {name: "admin"})
    assert (answer.status_code, names(answer)) == (403, {})
    assert site.get("/any/", headers=bearer(mint()) | {"X-Keyturned": "x", "X-Other": "y"}).status_code == 204
