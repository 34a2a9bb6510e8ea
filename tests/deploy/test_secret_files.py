"""The commands of docs/containers.md that create secrets.

Run as printed, they create the files that compose.yaml needs.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import compose, page

pytestmark = [pytest.mark.deploy]
DATABASES = {"issuer_database_url": "database_password", "api_database_url": "notes_password"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the documentation's code block in a new folder, and return the folder with the secrets that it made.

    The new folder has an empty folder `deploy`.
    """
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "deploy").mkdir()
    (block,) = re.findall(r"```sh\n(cd deploy .*?)```", page("containers.md"), re.DOTALL)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-eu"], input=block, cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "deploy" / "secrets"


def content(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8").strip()


def test_the_secret_files_are_those_that_compose_names(made: Path) -> None:
    named = {Path(secret["file"]) for secret in compose()["secrets"].values()}
    assert {path.parent for path in named} == {Path("secrets")}
    assert {path.name for path in made.iterdir()} == {path.name for path in named}
    assert all(name == Path(secret["file"]).name for name, secret in compose()["secrets"].items())


def test_the_files_can_be_read_in_a_container_and_their_folder_only_by_its_owner(made: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o644}


def test_each_secret_is_random_and_the_database_urls_have_the_passwords(made: Path) -> None:
    secrets = [content(made, path.name) for path in made.iterdir() if re.search("(?:_key|_keys|_password)$", path.name)]
    random = [secret for secret in secrets if "PRIVATE KEY" not in secret]
    assert len(set(random)) == len(random) == 6
    assert all(len(secret) >= 43 for secret in random)
    for url, password in DATABASES.items():
        assert f":{content(made, password)}@database:5432/" in content(made, url)


def test_the_certificate_is_for_the_names_of_the_proxy_and_of_the_key(made: Path) -> None:
    names = compose()["services"]["proxy"]["networks"]["front"]["aliases"]
    for name in names:
        openssl = ["openssl", "x509", "-in", made / "tls_certificate", "-noout", "-checkhost", name]
        assert "does match" in subprocess.run(openssl, capture_output=True, text=True, check=True).stdout
    verified = ["openssl", "verify", "-CAfile", made / "tls_ca", made / "tls_certificate"]
    assert subprocess.run(verified, capture_output=True, check=False).returncode == 0
    halves = [
        subprocess.run(["openssl", *words], capture_output=True, check=True).stdout
        for words in (
            ("x509", "-in", made / "tls_certificate", "-noout", "-pubkey"),
            ("pkey", "-in", made / "tls_key", "-pubout"),
        )
    ]
    assert halves[0] == halves[1]
