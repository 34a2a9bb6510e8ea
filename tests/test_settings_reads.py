"""Only the module conf.py of each package reads the settings of Django and of libraries, and environment variables.

The table READERS lists every exception with its reason.
"""

import ast

import pytest

from tests.source_trees import ROOT, loaded, tree, walk

SWAPPABLE = "the name of a swappable model, which Django reads when the models are loaded"
CHILDREN = "hands variables of its own environment to the processes that it starts"
READERS = {
    "tokens/conf.py": "reads them for the issuer",
    "tokens/models/api.py": SWAPPABLE,
    "tokens/models/browser_session.py": SWAPPABLE,
    "tokens/models/consent.py": SWAPPABLE,
    "tokens/models/scope.py": SWAPPABLE,
    "tokens/models/user_grant.py": SWAPPABLE,
    "tokens/handover/database_copy.py": "hands its environment to `migrate`, with another DATABASE_URL",
    "tokens/checks/oauth.py": "checks the settings of django-oauth-toolkit",
    "tokens/authorize/backend.py": "makes the server and validator that the settings of django-oauth-toolkit name",
    "tokens/limits/cache_circuit.py": "one circuit for each place of CACHES, which tests replace",
    "resources/conf.py": "reads them for the resource server",
    "resources/checks.py": "checks the settings of Django and DRF on which verification depends",
    "resources/throttles.py": "reads DRF's DEFAULT_THROTTLE_RATES, as each throttle of DRF does",
    "resources/openapi.py": "adds the scopes to drf-spectacular's SWAGGER_UI_OAUTH2_CONFIG",
    "resources/testing.py": "overrides the settings of a project's tests",
    "resources/user_links/models.py": SWAPPABLE,
    "resources/wsgi.py": "reads SECURE_PROXY_SSL_HEADER, which Django reads itself only after this module",
    "project/conf.py": "reads them for the wiring",
    "project/settings/environment.py": "reads the variables of the settings",
    "project/wsgi.py": "sets the default of DJANGO_SETTINGS_MODULE, before the settings are read",
    "project/metrics/exposition.py": "sets the folder that prometheus_client reads from a variable",
    "project/launch/environment.py": "sets variables for `standalone` from the files under var/",
    "project/launch/check.py": CHILDREN,
    "project/launch/life.py": CHILDREN,
    "project/launch/processes.py": CHILDREN,
    "project/launch/run.py": CHILDREN,
    "project/drill/topology.py": CHILDREN,
    "project/drill/servers.py": "searches PATH for programs",
    "project/drill/cut_off/sitecustomize.py": "runs before Django, in a process that the drill starts",
}
"""The modules that may read settings, and why. Migrations are written by Django."""
OWN = frozenset({"tokens.settings", "project.settings"})
"""Packages named `settings` of this project: the entries of ISSUER with their types, and the modules of settings."""
VARIABLES = frozenset({"environ", "environb", "getenv", "getenvb"})


def reads(parsed: ast.Module) -> list[int]:
    """Return the lines that import the settings of Django or of a library, or that read an environment variable."""
    lines = [line for line, name in loaded(parsed) if is_settings(name)]
    for node in walk(parsed):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            is_read = (
                (node.module == "django.conf" and "settings" in names)
                or (node.module == "django" and "conf" in names)
                or is_library_settings(node.module or "")
                or any(is_library_settings(f"{node.module}.{name}") for name in names)
                or (node.module == "os" and bool(names & VARIABLES))
            )
        elif isinstance(node, ast.Import):
            is_read = any(alias.name == "django.conf" or is_library_settings(alias.name) for alias in node.names)
        else:
            is_read = isinstance(node, ast.Attribute) and node.attr in VARIABLES
        lines += [node.lineno] if is_read else []
    return lines


def is_settings(name: str) -> bool:
    """Return True if `name` is the module or object with the settings of Django or of a library, or is in it."""
    parts = name.split(".")
    modules = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return "django.conf" in modules or any(map(is_library_settings, modules))


def is_library_settings(module: str) -> bool:
    """Return True if `module` has the settings of a library, such as `rest_framework.settings`."""
    return module.endswith((".settings", ".app_settings")) and module not in OWN


def readers() -> set[str]:
    """Return the modules of the three packages that read settings or the environment."""
    paths = [
        path
        for room in ("tokens", "resources", "project")
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts
    ]
    assert paths
    return {path.relative_to(ROOT).as_posix() for path in paths if reads(tree(path))}


def test_settings_are_read_in_conf_only_except_for_a_reason() -> None:
    assert readers() == set(READERS)


@pytest.mark.parametrize(
    "line",
    [
        "from django.conf import settings",
        "def late():\n    from django.conf import settings as django_settings",
        "from django import conf",
        "import django.conf",
        "import os\nos.environ['DEBUG']",
        "import os\nos.getenv('DEBUG')",
        "from os import environ",
        "from os import getenv as variable",
        "from rest_framework.settings import api_settings",
        "from oauth2_provider import settings",
        "import drf_spectacular.settings",
        "from allauth.account import app_settings",
        "import_string('django.conf.settings')",
        "importlib.import_module('rest_framework.settings').api_settings",
        "import_module('allauth.' + 'account.app_settings')",
    ],
)
def test_a_read_is_found(line: str) -> None:
    assert reads(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "from tokens import conf",
        "from django.conf.urls import include",
        "import os\nos.getpid()",
        "from project import conf\nconf.answer_within()",
        "from project.settings import environment",
        "from tokens.settings import rate",
        "import_module('tokens.settings')",
        "import_string('rest_framework.permissions.AllowAny')",
    ],
)
def test_other_imports_are_not_found(line: str) -> None:
    assert reads(ast.parse(line)) == []
