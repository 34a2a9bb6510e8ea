"""The wheel of the resource server in a separate environment.

The tests use its types, its pytest plugin, and the example without DRF.
"""

import subprocess
from pathlib import Path

import pytest

from tests.packages.environments import ROOT, run

pytestmark = [pytest.mark.packages, pytest.mark.processes, pytest.mark.xdist_group("packages")]
EXAMPLES = ROOT / "examples"
SETTINGS = {"PYTHONPATH": str(EXAMPLES), "DJANGO_SETTINGS_MODULE": "without_drf.settings"}
VIEW = """\
from typing import assert_type

from django.http import HttpRequest, HttpResponse
from keyturn_resources.decorators import token_required
from keyturn_resources.permissions import HasAnyScope, HasScopes, RequireAcr
from keyturn_resources.principal import AccessToken
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Orders(APIView):
    permission_classes = [HasScopes("orders:read"), HasAnyScope("a", "b"), RequireAcr("2")]

    def get(self, request: Request) -> Response:
        token = request.auth
        assert isinstance(token, AccessToken)
        assert_type(token.scopes, frozenset[str])
        return Response({"sub": token.claims["sub"], "service": token.is_service})


@token_required(HasScopes("orders:read"))
def export(request: HttpRequest) -> HttpResponse:
    return HttpResponse("csv")
"""
CONFIGURATION = """\
[mypy]
plugins = mypy_django_plugin.main, mypy_drf_plugin.main
[mypy.plugins.django-stubs]
django_settings_module = without_drf.settings
"""


def typed(python: Path, folder: Path, view: str) -> "subprocess.CompletedProcess[str]":
    (folder / "orders.py").write_text(view, encoding="utf-8")
    (folder / "mypy.ini").write_text(CONFIGURATION, encoding="utf-8")
    command = [python, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "orders.py"]
    environment = {"PATH": str(python.parent)} | SETTINGS
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_view_passes_the_strict_type_checker(resource_server: Path, tmp_path: Path) -> None:
    checked = typed(resource_server, tmp_path, VIEW)
    assert checked.returncode == 0, checked.stdout
    wrong = typed(resource_server, tmp_path, VIEW.replace("token.scopes, frozenset", "token.scopes, set"))
    assert "[assert-type]" in wrong.stdout
    wrong = typed(resource_server, tmp_path, VIEW.replace('HasScopes("orders:read")', "HasScopes(1)"))
    assert wrong.stdout.count("[arg-type]") == 2


def test_the_example_passes_its_own_tests(resource_server: Path, tmp_path: Path) -> None:
    options = ("-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, "-c", "/dev/null")
    passed = run(resource_server, "-m", "pytest", *options, EXAMPLES / "without_drf", folder=tmp_path, **SETTINGS)
    assert " passed" in passed
    assert "failed" not in passed


def test_the_example_passes_django_s_checks(resource_server: Path, tmp_path: Path) -> None:
    run(resource_server, "-m", "django", "check", "--fail-level", "WARNING", folder=tmp_path, **SETTINGS)


def test_the_plugin_of_pytest_needs_no_django_settings(resource_server: Path, tmp_path: Path) -> None:
    """Run pytest with a conftest.py that loads the plugin, as in a project that copies the folder `resources`."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["keyturn_resources.pytest_plugin"]')
    (tmp_path / "test_other.py").write_text("def test_nothing_of_django():\n    assert True\n")
    assert "1 passed" in run(resource_server, "-m", "pytest", "-q", "test_other.py", folder=tmp_path)
