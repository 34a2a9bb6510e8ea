"""Fixtures: the built packages, and an environment in which the package of the resource server is installed."""

from pathlib import Path

import pytest

from tests.packages.environments import built, installed, wheel


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory)


@pytest.fixture(scope="session")
def resource_server(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python interpreter of an environment for tests of the resource server's package.

    The environment has `keyturn-resources[ninja]`, pytest, mypy, and stubs for type checks.
    """
    own = f"{wheel(packages, 'keyturn_resources')}[ninja]"
    others = ("pytest-django", "mypy", "django-stubs", "djangorestframework-stubs")
    return installed(tmp_path_factory.mktemp("api") / "venv", own, *others)
