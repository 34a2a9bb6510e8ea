"""Applications of other projects, configured as in docs/logout.md, end their session when they get a logout token."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests

from tests import marks
from tests.clients.recipes import environments, programs
from tests.clients.recipes.stack import Person, Stack
from tests.servers.apache import FOLDER, MODULES
from tests.servers.program import running
from tests.services.conftest import wait_for

pytestmark = [*marks.clients]
PAGE = Path(__file__).resolve().parent.parent.parent.parent / "docs" / "logout.md"

Run = Callable[[dict[str, str], Stack, Path, str], Iterator[None]]


def block(language: str, values: dict[str, str]) -> str:
    """Return the code block of docs/logout.md in this language, with its values replaced by those in `values`."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for printed, used in values.items():
        assert printed in code, printed
        code = code.replace(printed, used)
    return code


@contextmanager
def express(values: dict[str, str], keyturn: Stack, folder: Path, app: str) -> Iterator[None]:
    place = environments.node()
    (folder / "node_modules").symlink_to(place / "node_modules")
    (folder / "site.mjs").write_text(block("js", values), encoding="utf-8")
    own = keyturn.trust() | {"SESSION_SECRET": "a long and secret text of a test"}
    command = ["node", str(place / "site.mjs"), app.rpartition(":")[2]]
    with programs.website(command, folder, own, url=f"{app}/favicon.ico"):
        yield


@contextmanager
def apache(values: dict[str, str], keyturn: Stack, _: Path, app: str) -> Iterator[None]:
    # Apache drops root's rights, and then cannot read pytest's folders.
    with TemporaryDirectory(prefix="keyturn-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(keyturn.certificate, folder / "ca.pem")
        (folder / "index.txt").write_text("the wiki")
        (folder / "ca.pem").chmod(0o644)
        own = f"ServerRoot {folder}\nPidFile {folder}/pid\nErrorLog {folder}/error.log\nDocumentRoot {folder}\n"
        own += f"DefaultRuntimeDir {folder}\nServerName localhost\nUser www-data\nGroup www-data\n"
        own += f"Listen {app.rpartition(':')[2]}\nOIDCCABundlePath {folder}/ca.pem\n"
        loaded = "".join(f"LoadModule {module}_module {FOLDER}/mod_{module}.so\n" for module in MODULES)
        config = block("apache", values | {"PASSPHRASE": "a-passphrase-of-a-test"})
        (folder / "apache.conf").write_text(loaded + own + config)
        command = ["apache2", "-X", "-f", str(folder / "apache.conf")]
        with running(command, folder, ready=lambda: answers(f"{app}/index.txt")):
            yield


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=20, allow_redirects=False).status_code < 500
    except requests.ConnectionError:
        return False


RECEIVERS = {
    "express-openid-connect": (express, "/", "/callback", "/backchannel-logout"),
    "mod_auth_openidc": (apache, "/index.txt", "/oidc", "/oidc?logout=backchannel"),
}
"""By name: how to run it, a page for users who are logged in, the redirect URI, and the address for logout tokens."""


def is_in(person: Person, url: str) -> bool:
    """Return True if the application still has a session of the user in this browser."""
    return person.browser._session.get(url, allow_redirects=False, timeout=60).status_code == 200


def log_in(keyturn: Stack, url: str) -> Person:
    person = Person(keyturn)
    assert person.open(url).url == url
    assert is_in(person, url)
    return person


@pytest.mark.parametrize("name", RECEIVERS)
def test_an_application_ends_the_session_that_ended_at_the_issuer_and_no_other(
    keyturn: Stack, trusting: type[Person], app: str, tmp_path: Path, name: str
) -> None:
    run, path, callback, logout = RECEIVERS[name]
    made = keyturn.create_client(
        [
            *("create_client", "--name", name, "--grant", "authorization_code", "--skip-consent"),
            *("--redirect-uri", app + callback, "--backchannel-logout-uri", app + logout),
            *("--backchannel-logout-session-required", "--scope", "openid"),
        ]
    )
    values = {
        "https://issuer.example": keyturn.issuer,
        "https://app.example": app,
        "CLIENT_ID": made["client_id"],
        "CLIENT_SECRET": made["client_secret"],
    }
    with run(values, keyturn, tmp_path, app):
        first, second = (log_in(keyturn, app + path) for _ in range(2))
        first.browser.submit(first.browser.get(f"{keyturn.issuer}/accounts/logout/"), {})
        wait_for(lambda: not is_in(first, app + path))
        assert is_in(second, app + path)
        second.browser.submit(second.browser.get(f"{keyturn.issuer}/accounts/everywhere/"), {})
        wait_for(lambda: not is_in(second, app + path))
        log_in(keyturn, app + path)
