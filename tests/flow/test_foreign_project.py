"""The room `resources` in a Django project of somebody else: copied, alone, against the running issuer."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from project.launch import processes
from project.launch.ports import free
from project.launch.processes import Child
from tests.flow.conftest import System
from tests.flow.test_revocation import revoke, seconds_until
from tests.flow.test_story import service_token

pytestmark = pytest.mark.xdist_group("flow")
ROOT = Path(__file__).resolve().parent.parent.parent

MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "shop"
execute_from_command_line(sys.argv)
"""
SHOP = """\
import os
import sys

from django.urls import path

SECRET_KEY = "of the shop alone"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "orders"
INSTALLED_APPS = ["resources"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["resources.authentication.JWTAuthentication"],
    "EXCEPTION_HANDLER": "resources.handler.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
RESOURCE_SERVER = {
    "ISSUERS": [os.environ["SHOP_ISSUER"]],
    "AUDIENCE": [os.environ["SHOP_AUDIENCE"]],
    "KEY_POLICY": "development",
    "REVOCATIONS": True,
    "REVOCATIONS_EVERY": 1,
    "INTROSPECTION_CLIENT_ID": "service",
    "INTROSPECTION_CLIENT_SECRET": os.environ["SHOP_SECRET"],
    "INTROSPECTION_FOR": 1,
}
"""
ORDERS = """\
import sys

from django.http import JsonResponse
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.permissions import HasScopes, RequireActive


class Orders(APIView):
    permission_classes = [HasScopes("notes:read")]

    def get(self, request):
        return Response({"sub": request.auth.claims["sub"]})


class Refund(Orders):
    permission_classes = [HasScopes("notes:read"), RequireActive()]


class Stock(Orders):
    permission_classes = [HasScopes("notes:write")]


def rooms(request):
    return JsonResponse({"rooms": sorted({name.partition(".")[0] for name in sys.modules})})


urlpatterns = [
    path("", include("resources.urls")),
    path("orders/", Orders.as_view()),
    path("refund/", Refund.as_view()),
    path("stock/", Stock.as_view()),
    path("rooms/", rooms),
]
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """The foreign project, and what it knows."""

    url: str
    folder: Path
    variables: dict[str, str]

    def get(self, path: str, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(self.url + path, headers=headers, timeout=10)

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture(scope="module")
def shop(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(ROOT / "resources", folder / "resources", ignore=shutil.ignore_patterns("__pycache__", "notes"))
    for name, text in {"manage.py": MANAGE, "shop.py": SHOP, "orders.py": ORDERS}.items():
        (folder / name).write_text(text, encoding="utf-8")
    variables = {
        "PATH": os.environ["PATH"],
        "SHOP_ISSUER": system.issuer,
        "SHOP_AUDIENCE": system.audience,
        "SHOP_SECRET": system.variables.demo["SERVICE_CLIENT_SECRET"],
    }
    url = f"http://localhost:{free()}"
    log = folder / "shop.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", url.removeprefix("http://")],
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    child = Child("shop", url, log, process)
    try:
        processes.wait_until_ready(child, "/healthz")
        yield Shop(url, folder, variables)
    finally:
        processes.stop([child])


def test_it_verifies_and_decides_with_nothing_but_the_issuer_s_url(system: System, shop: Shop) -> None:
    token = service_token(system)
    answer = shop.get("/orders/", token)
    assert (answer.status_code, answer.json()) == (200, {"sub": "service"})
    assert shop.get("/refund/", token).status_code == 200
    refused = shop.get("/stock/", token)
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert shop.get("/orders/").status_code == 401
    assert shop.get("/orders/", f"{token}x").status_code == 401


def test_no_other_room_of_this_project_is_there(system: System, shop: Shop) -> None:
    shop.get("/orders/", service_token(system))
    rooms = set(shop.get("/rooms/").json()["rooms"])
    assert "resources" in rooms
    assert not {"tokens", "project", "examples", "tests", "oauth2_provider"} & rooms


def test_a_revoked_token_ends_there_too(system: System, shop: Shop) -> None:
    """The issuer's introspection endpoint is asked where minutes matter, and its feed is followed elsewhere."""
    token = service_token(system)
    assert [shop.get(path, token).status_code for path in ("/orders/", "/refund/")] == [200, 200]
    assert revoke(system, token) == 200
    seconds_until(lambda: shop.get("/refund/", token).status_code in {401, 403})
    seconds_until(lambda: shop.get("/orders/", token).status_code == 401)


def test_its_own_commands_and_checks_work(system: System, shop: Shop) -> None:
    checked = shop.manage("check")
    assert checked.returncode == 0, checked.stderr
    told = shop.manage("check_issuer", "--json")
    assert told.returncode == 0, told.stderr
    assert system.issuer in json.dumps(json.loads(told.stdout))
