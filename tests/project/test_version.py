"""The version is one constant in the code. The commands print it, and no response contains it."""

import re
import tomllib
from pathlib import Path

import pytest
from django.core.management import ManagementUtility, find_commands, load_command_class

import tokens
from tokens import __version__
from tokens.management import operator_command

ROOT = Path(__file__).resolve().parent.parent.parent
REPLACED = {"cleartokens", "createapplication"}
COMMANDS = sorted({*find_commands(str(Path(tokens.__file__).parent / "management"))} - REPLACED)
PATHS = {
    "issuer": (
        "/healthz",
        "/readyz",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
        "/oauth/token",
        "/accounts/login/",
        "/admin/login/",
        "/nowhere",
    ),
    "api": ("/healthz", "/readyz", "/.well-known/oauth-protected-resource", "/api/notes/", "/api/schema/", "/nowhere"),
}


def test_pyproject_reads_the_constant():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in pyproject["project"]
    assert pyproject["tool"]["hatch"]["version"] == {"path": "tokens/__init__.py"}


def test_the_resource_server_s_package_has_this_version():
    pyproject = tomllib.loads((ROOT / "resources" / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["version"] == __version__


def test_the_newest_release_of_the_changelog_is_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    assert released[:1] == [__version__]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_prints_the_version(name, capsys):
    with pytest.raises(SystemExit) as ended:
        ManagementUtility(["manage.py", name, "--version"]).execute()
    assert (ended.value.code, capsys.readouterr().out) == (0, f"{__version__}\n")


def test_other_commands_print_their_own_version():
    assert load_command_class("django.core", "check").get_version() != __version__


@pytest.mark.django_db(databases=["default", "api"])
@pytest.mark.parametrize(("process", "path"), [(process, path) for process in PATHS for path in PATHS[process]])
def test_no_answer_shows_the_version(process, path, client, settings, monkeypatch):
    """No response contains the version.

    The test sets the version to a value that cannot be in a response by chance.
    """
    settings.ROOT_URLCONF = f"project.urls.{process}"
    for module in (tokens, operator_command):
        monkeypatch.setattr(module, "__version__", "71.82.93")
    answer = client.get(path)
    shown = b"".join([*answer, *(f"{name}: {value}\n".encode() for name, value in answer.headers.items())])
    assert b"71.82.93" not in shown
    assert __version__.encode() not in shown


def test_only_the_commands_read_the_version():
    """Only the commands and the software bill of materials read the version. No other code or template can show it."""
    rooms = [ROOT / name for name in ("tokens", "resources", "project", "examples", "keyturn_issuer")]
    sources = [path for room in rooms for path in room.rglob("*") if path.suffix in {".py", ".html"}]
    readers = {path.relative_to(ROOT).as_posix() for path in sources if "__version__" in path.read_text("utf-8")}
    assert readers == {"tokens/__init__.py", "tokens/management/operator_command.py", "project/launch/sbom.py"}
