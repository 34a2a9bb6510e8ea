"""The shop: a Django project that is not Keyturn, with the settings of docs/resource-server.md.

The shop uses a copy of the folder `resources`, or the installed package `keyturn_resources`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from project.launch import processes
from project.launch.processes import Child
from tests.flow.conftest import System
from tests.ports import free

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs" / "resource-server.md"

MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "shop"
execute_from_command_line(sys.argv)
"""
BASE = """\
import os

SECRET_KEY = "of the shop alone"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "orders"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SHOP_DATABASE"]}}
STATIC_URL = "static/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
OWN = """
RESOURCE_SERVER |= {
    "ISSUERS": [os.environ["SHOP_ISSUER"]],
    "AUDIENCE": [os.environ["SHOP_AUDIENCE"]],
    "KEY_POLICY": "development",
    "REVOCATIONS": True,
    "REVOCATIONS_EVERY": 1,
    "INTROSPECTION_CLIENT_ID": "service",
    "INTROSPECTION_CLIENT_SECRET": os.environ["SHOP_SECRET"],
    "INTROSPECTION_FOR": 1,
}
for name in os.environ.get("SHOP_FORGETS", "").split():
    del REST_FRAMEWORK[name]
"""
NEIGHBOUR = {
    "__init__.py": "",
    "models.py": "from django.db import models\n\n\nclass Room(models.Model):\n    name = models.TextField()\n",
}
"""An app of the shop's own that is named `resources`, beside the package."""
ORDERS = """\
import sys

from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views import View
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from keyturn_resources.decorators import token_required
from keyturn_resources.permissions import HasRequiredScopes, HasScopes, RequireActive


class Orders(APIView):
    permission_classes = [HasScopes("notes:read")]

    def get(self, request):
        user = [type(request.user).__name__, str(request.user)]
        return Response({"sub": request.auth.claims["sub"], "user": user})


class Refund(Orders):
    permission_classes = [HasScopes("notes:read"), RequireActive()]


class Stock(Orders):
    permission_classes = [HasRequiredScopes()]
    required_scopes = {"GET": ["notes:write"]}

    def post(self, request):
        return Response()


class Forgotten(APIView):
    def get(self, request):
        return Response()


class Prices(Forgotten):
    permission_classes = [AllowAny]


@api_view(["GET"])
@permission_classes([HasScopes("notes:read")])
def listed(request):
    return Response([request.auth.claims["sub"]])


@token_required(HasScopes("notes:read"))
def export(request):
    return HttpResponse(request.auth.claims["sub"], content_type="text/csv")


class Report(View):
    def get(self, request):
        return HttpResponse(request.auth.claims["sub"])


def rooms(request):
    return JsonResponse({"rooms": sorted({name.partition(".")[0] for name in sys.modules})})


urlpatterns = [
    path("orders/", Orders.as_view()),
    path("refund/", Refund.as_view()),
    path("stock/", Stock.as_view()),
    path("forgotten/", Forgotten.as_view()),
    path("prices/", Prices.as_view()),
    path("listed/", listed),
    path("export/", export),
    path("report/", token_required(HasScopes("notes:write"))(Report.as_view())),
    path("rooms/", rooms),
]
"""


def documented(heading: str, beginning: str) -> str:
    """Return the block of Python under `heading` of docs/resource-server.md that starts with `beginning`."""
    section = DOCS.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(rf"```python\n({re.escape(beginning)}.*?)```", section, re.DOTALL)
    return str(block)


@dataclass(frozen=True, slots=True)
class Shop:
    """The running shop, its folder and its environment variables."""

    url: str
    folder: Path
    variables: dict[str, str]
    python: str
    package: str
    """The name under which the shop imports the resource server."""

    def get(self, path: str, token: str | None = None, **headers: str) -> requests.Response:
        return self.call("GET", path, token, **headers)

    def call(self, method: str, path: str, token: str | None = None, **headers: str) -> requests.Response:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            fields["Authorization"] = f"Bearer {token}"
        return requests.request(method, self.url + path, headers=fields, timeout=60)

    def manage(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.python, "manage.py", *arguments],
            cwd=self.folder,
            env=self.variables | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def copied(folder: Path) -> str:
    """Copy the folder `resources` into the shop's folder, and return the package name of the copy."""
    shutil.copytree(ROOT / "resources", folder / "resources", ignore=shutil.ignore_patterns("__pycache__", "notes"))
    return "resources"


def beside_a_neighbour(folder: Path) -> str:
    """Add an app named `resources` to the shop's folder. Return "keyturn_resources", the name of the installed package.

    So the tests also check that the installed package works beside an app with the name `resources`.
    """
    (folder / "resources").mkdir()
    for name, text in NEIGHBOUR.items():
        (folder / "resources" / name).write_text(text, encoding="utf-8")
    return "keyturn_resources"


@contextmanager
def opened(system: System, folder: Path, *settings: str, python: Path | None = None) -> Iterator[Shop]:
    """Run the shop while the block runs. `settings` are texts that are appended to the shop's settings module.

    `python` is the Python interpreter of an environment in which the package `keyturn_resources` is installed. If
    `python` is None, the shop uses a copy of the folder `resources` instead.
    """
    package = beside_a_neighbour(folder) if python else copied(folder)
    own = [OWN, 'INSTALLED_APPS += ["resources"]'] if python else [OWN]
    files = {
        "manage.py": MANAGE,
        "shop.py": "\n".join([BASE, documented("In your project", "# settings.py"), *settings, *own]),
        "orders.py": "\n".join(
            [ORDERS, documented("In your project", "# urls.py"), documented("OpenAPI", "# urls.py")]
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text.replace("keyturn_resources", package), encoding="utf-8")
    variables = {
        "PATH": os.environ["PATH"],
        "SHOP_ISSUER": system.issuer,
        "SHOP_AUDIENCE": system.audience,
        "SHOP_SECRET": system.variables.demo["SERVICE_CLIENT_SECRET"],
        "SHOP_DATABASE": str(folder / "shop.sqlite3"),
    }
    shop = Shop(f"http://localhost:{free()}", folder, variables, str(python or sys.executable), package)
    migrated = shop.manage("migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    with _served(shop):
        yield shop


@contextmanager
def _served(shop: Shop) -> Iterator[None]:
    log = shop.folder / "shop.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [shop.python, "manage.py", "runserver", "--noreload", shop.url.removeprefix("http://")],
            cwd=shop.folder,
            env=shop.variables,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    child = Child("shop", shop.url, log, process)
    try:
        processes.wait_until_ready(child, "/healthz", within=180)
        yield
    finally:
        processes.stop([child])
