"""The admin is served only at its own host name; other host names answer 404.

A process without the admin does not load the admin's code.
"""

import json

import pytest

from tests.project.test_settings import ISSUER, read

PROGRAM = """
import json, sys, django
django.setup()
from django.test import Client
from django.db import connection
answers = [Client(secure=True).get(path, secure=True).status_code for path in %r]
pages = ("tokens.admin", "django.contrib.auth.admin", "allauth.account.admin", "oauth2_provider.admin")
loaded = sorted(name for name in sys.modules if name.startswith(pages))
tables = [name for name in sys.modules["django"].apps.apps.all_models["admin"]]
print(json.dumps([answers, loaded, tables]))
"""
PATHS = ("/admin", "/admin/", "/admin/login/", "/admin/tokens/client/", "/healthz")
SQLITE = ISSUER | {"DATABASE_URL": "sqlite://:memory:", "ALLOWED_HOSTS": "testserver", "CACHE_URL": ""}


def served(**variables: str) -> list[list[object]]:
    """Start a process of the issuer with these environment variables, and request each path in PATHS.

    Returns three lists: the statuses, the admin's modules that the process loaded, and the model names of Django's app
    `admin`.
    """
    result = read(SQLITE | variables, PROGRAM % (PATHS,))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.processes
def test_without_the_admin_its_pages_do_not_exist_and_its_code_is_not_loaded():
    answers, loaded, tables = served(ADMIN="off")
    assert answers == [404, 404, 404, 404, 200]
    assert loaded == []
    assert tables == ["logentry"]  # every node migrates alike


@pytest.mark.processes
def test_with_the_admin_they_do():
    answers, loaded, _ = served(ADMIN="on")
    assert answers == [301, 302, 200, 302, 200]
    assert "tokens.admin.client" in loaded


@pytest.fixture
def on_its_own_host(settings):
    settings.ADMIN_HOST = "admin.example"
    settings.ALLOWED_HOSTS = ["admin.example", "issuer.example", ".admin.example"]


@pytest.mark.usefixtures("on_its_own_host", "db")
@pytest.mark.parametrize("host", ["admin.example", "ADMIN.example", "admin.example:8443", "admin.example."])
def test_the_admin_answers_on_its_host(client, host):
    assert client.get("/admin/login/", headers={"host": host}).status_code == 200


@pytest.mark.usefixtures("on_its_own_host", "db")
@pytest.mark.parametrize("host", ["issuer.example", "x.admin.example", "xadmin.example.admin.example"])
@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/login/", "/admin/jsi18n/", "/admin/tokens/client/1/"])
def test_every_other_host_says_that_there_is_none(client, host, path):
    response = client.get(path, headers={"host": host})
    assert response.status_code == 404
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.content == client.get("/nothing/", headers={"host": host}).content or b"404" in response.content


@pytest.mark.usefixtures("on_its_own_host", "db")
def test_an_administrator_s_session_of_another_host_opens_nothing(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))
    assert client.get("/admin/", headers={"host": "issuer.example"}).status_code == 404
    assert client.post("/admin/login/", headers={"host": "issuer.example"}).status_code == 404


@pytest.mark.usefixtures("on_its_own_host", "db")
def test_other_pages_answer_on_both(client):
    for host in ("issuer.example", "admin.example"):
        assert client.get("/accounts/login/", headers={"host": host}).status_code == 200
        assert client.get("/administrators", headers={"host": host}).status_code == 404


@pytest.mark.usefixtures("on_its_own_host")
def test_a_host_that_is_not_allowed_is_refused_as_ever(client):
    assert client.get("/admin/", headers={"host": "other.example"}).status_code == 400


@pytest.mark.processes
@pytest.mark.parametrize("name", ["https://admin.example", "admin.example:443", "*.example", "a b", "-a.example"])
def test_an_admin_host_that_is_no_host_is_named(name):
    result = read(SQLITE | {"ADMIN_HOST": name}, "from django.conf import settings; settings.DEBUG")
    assert "ADMIN_HOST must be a host name such as admin.example" in result.stderr
    assert result.returncode == 1
