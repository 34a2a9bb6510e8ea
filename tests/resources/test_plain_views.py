"""The middleware RequireToken: plain Django views below PATHS need a token, and other views do not."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.decorators import token_required
from resources.permissions import HasScopes
from resources.plain_views import RequireToken
from resources.testing import bad_tokens, bearer, mint, pinned

MIDDLEWARE = [
    "resources.middleware.json_errors",
    "resources.middleware.no_store",
    "resources.plain_views.RequireToken",
]


def plain(request):
    return HttpResponse(f"{request.user} {sorted(request.auth.scopes)}")


def outside(_request):
    return HttpResponse("public")


class Open(APIView):
    permission_classes = [AllowAny]

    def get(self, request):
        return Response("open")


urlpatterns = [
    path("", include("resources.urls")),
    path("pages/plain/", plain),
    path("pages/export/", token_required(HasScopes("notes:write"))(plain)),
    path("pages/open/", Open.as_view()),
    path("pagesother/", outside),
    path("other/", outside),
]


@pytest.fixture
def site():
    with pinned(PATHS=["/pages"]), override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE):
        yield Client(raise_request_exception=False)


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
def test_a_plain_view_below_the_paths_gets_the_user_of_a_valid_token(site, method):
    answer = getattr(site, method)("/pages/plain/", headers=bearer(mint("notes:read", sub="ada")))
    assert (answer.status_code, answer.content) == (200, b"ada ['notes:read']")
    assert answer.headers["Cache-Control"] == "no-store"
    refused = getattr(site, method)("/pages/plain/")
    assert (refused.status_code, refused.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")


@pytest.mark.parametrize("name", ["expired", "wrong audience", "no signature", "unknown kid", "ID token"])
def test_a_bad_token_is_refused_with_its_challenge(site, name):
    answer = site.get("/pages/plain/", headers=bearer(bad_tokens()[name]) | {"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/json")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_guarded_view_and_a_view_of_drf_decide_themselves(site):
    assert site.get("/pages/export/", headers=bearer(mint("notes:read"))).status_code == 403
    assert site.get("/pages/export/", headers=bearer(mint("notes:write"))).status_code == 200
    assert site.get("/pages/open/").status_code == 200


@pytest.mark.parametrize("address", ["/other/", "/pagesother/", "/healthz", "/.well-known/oauth-protected-resource"])
def test_other_paths_and_the_package_s_own_views_are_public(site, address):
    assert site.get(address).status_code == 200


def test_the_metadata_stays_public_if_every_path_is_the_api_s(site):
    with pinned(PATHS=["/"]):
        assert site.get("/.well-known/oauth-protected-resource").status_code == 200
        assert site.get("/other/").status_code == 401


def test_require_token_does_not_start_without_paths():
    with pinned(PATHS=[]), pytest.raises(ImproperlyConfigured, match="PATHS"):
        RequireToken(plain)
