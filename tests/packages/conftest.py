"""The built packages, and an environment with the resource server's."""

from pathlib import Path

import pytest

from tests.packages.environments import built, installed, wheel


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory)


@pytest.fixture(scope="session")
def resource_server(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with `keyturn-resources[ninja]`, pytest, and the stubs that a typed project has."""
    own = f"{wheel(packages, 'keyturn_resources')}[ninja]"
    others = ("pytest-django", "mypy", "django-stubs", "djangorestframework-stubs")
    return installed(tmp_path_factory.mktemp("api") / "venv", own, *others)
