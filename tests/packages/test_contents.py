"""The wheels and the source distributions contain the right files.

A wheel that is built from a source distribution has the same content as the wheel of `make packages`.
"""

import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.packages.environments import ROOT, rebuilt, wheel
from tokens import __version__

pytestmark = [pytest.mark.packages, pytest.mark.processes, pytest.mark.xdist_group("packages")]
NAMES = ("keyturn", "keyturn_resources")


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist() if not name.endswith("/")}


def metadata(path: Path) -> Message:
    (text,) = (data for name, data in contents(path).items() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(text)


def sources(package: str) -> set[str]:
    return {path.relative_to(ROOT / package).as_posix() for path in (ROOT / package).rglob("*.py")}


def test_both_distributions_are_built_as_wheel_and_source(packages: Path) -> None:
    assert {path.name for path in packages.glob("keyturn*")} == {
        f"{name}-{__version__}{ending}" for name in NAMES for ending in (".tar.gz", "-py3-none-any.whl")
    }


def test_the_resource_server_s_wheel_has_its_folder_under_its_own_name_only(packages: Path) -> None:
    files = contents(wheel(packages, "keyturn_resources"))
    assert {name.partition("/")[0].partition("-")[0] for name in files} == {"keyturn_resources"}
    modules = {name.removeprefix("keyturn_resources/") for name in files if name.endswith(".py")}
    assert modules == {name for name in sources("resources") if not name.startswith("notes/")}
    for name in modules:
        assert files[f"keyturn_resources/{name}"] == (ROOT / "resources" / name).read_bytes()
    assert "keyturn_resources/py.typed" in files


def test_the_issuer_s_wheel_adds_one_name_to_site_packages(packages: Path) -> None:
    files = contents(wheel(packages, "keyturn"))
    assert {name.partition("/")[0].partition("-")[0] for name in files} == {"keyturn_issuer", "keyturn"}
    assert "keyturn_issuer/py.typed" in files
    for package in ("tokens", "project", "resources"):
        modules = {name.removeprefix(f"keyturn_issuer/{package}/") for name in files if name.endswith(".py")}
        assert sources(package) <= modules
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tokens").rglob("*.html")}
    catalogues = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tokens" / "locale").rglob("*.mo")}
    assert templates
    assert catalogues
    assert {f"keyturn_issuer/{name}" for name in templates | catalogues} <= files.keys()


@pytest.mark.parametrize("name", NAMES)
def test_the_metadata_names_license_version_and_extras(packages: Path, name: str) -> None:
    headers = metadata(wheel(packages, name))
    assert (headers["Version"], headers["License-Expression"]) == (__version__, "MIT")
    assert headers.get_all("License-File") == ["LICENSE"]
    assert "Typing :: Typed" in headers.get_all("Classifier", [])
    extras = set(headers.get_all("Provides-Extra", []))
    assert extras >= ({"pkcs11", "redis"} if name == "keyturn" else {"redis", "openapi", "ninja"})


def test_both_have_the_one_license() -> None:
    assert (ROOT / "resources" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_from_the_source_distribution_is_the_same(packages: Path, name: str, tmp_path: Path) -> None:
    (source,) = packages.glob(f"{name}-*.tar.gz")
    rebuilt(packages, source, tmp_path)
    assert contents(wheel(tmp_path, name)) == contents(wheel(packages, name))


def test_the_source_distributions_have_no_secret_nor_test(packages: Path) -> None:
    for path in packages.glob("*.tar.gz"):
        with tarfile.open(path) as file:
            names = [name.partition("/")[2] for name in file.getnames()]
        assert names
        assert [
            name for name in names if name.startswith(("tests/", "var/", ".venv", ".git/")) or ".sqlite3" in name
        ] == []
        assert [name for name in names if name.endswith((".env", ".pem"))] == []
