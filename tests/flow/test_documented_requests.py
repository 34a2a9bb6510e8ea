"""The requests in README, grants.md, par.md and open-clients.md.

A shell runs them as printed, with a running issuer and API.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from project.launch import environment, processes
from project.launch.browser import Browser
from project.launch.ports import Ports
from tests import documented, marks, prepared
from tests.documented import ROOT
from tests.flow.conftest import serve
from tests.flow.shell import Shell, statements
from tests.ports import free
from tests.services.conftest import wait_for

pytestmark = [*marks.serve]
PAGES = ("README.md", "docs/grants.md", "docs/par.md", "docs/open-clients.md")
NOT_RUN = re.compile(r"\bmake (run|test)\b")
"""What tests/documented.py assigns to other tests."""


@dataclass
class Reader:
    """A reader of documentation pages, who runs their bash statements and does the steps that the text describes."""

    shell: Shell
    issuer: str
    api: str
    var: Path
    password: str
    ran: list[str] = field(default_factory=list)
    """The statements as they are printed."""
    printed: dict[str, str] = field(default_factory=dict)
    """What was printed last: by the commands that create, and by `echo`."""

    def follow(self, page: str) -> None:
        """Run every statement of a documentation page, with values in place of the page's placeholders."""
        for statement in statements(ROOT / page):
            if not NOT_RUN.search(statement):
                self.say(statement)

    def say(self, statement: str) -> str:
        """Run a bash statement of a documentation page, and return its output.

        Placeholders and addresses in the statement are replaced by the values of the test. Asserts that the statement
        succeeds, and that the JSON answer of a `curl` request is no error.
        """
        self.ran.append(statement)
        for pattern, fill in FILLED.items():
            if re.search(pattern, statement):
                statement = fill(self, statement)
        here = statement.replace("http://localhost:8000", self.issuer).replace("http://localhost:8001", self.api)
        output = self.shell.run(here)
        if re.search(r"\bcurl\b", statement) and output.startswith("{"):
            assert "error" not in json.loads(output.splitlines()[0]), f"{statement}\n{output}"
        if "create_client" in statement or "initial_token" in statement:
            self.printed["client"] = output
        if statement.startswith("echo"):
            self.printed["echo"] = output
        return output

    def created(self, name: str) -> str:
        """Return the value with this name that the last `create_client` printed, such as client_secret."""
        return re.findall(rf"^{name}\s+(\S+)", self.printed["client"], re.MULTILINE)[0]

    def credentials(self) -> str:
        return f"{self.created('client_id')}:{self.created('client_secret')}"

    def code(self) -> str:
        """Open the address that the last `echo` statement printed, log in and consent.

        Returns the authorization code that the issuer sends to the redirect URI.
        """
        browser = Browser()
        login = browser.get(self.printed["echo"])
        consent = browser.log_in(login, "demo", self.password)
        with pytest.raises(requests.ConnectionError) as refused:  # no program listens at the redirect URI
            browser.submit(consent, {}, button="allow")
        return re.findall(r"[?&]code=([^&]+)", str(refused.value.request.url))[0]

    def connect(self) -> None:
        """Type the user code of the device on the issuer's verification page, and allow the device."""
        begun = json.loads(self.printed["echo"])
        browser = Browser()
        login = browser.get(begun["verification_uri_complete"])
        page = browser.log_in(login, "demo", self.password)
        if 'name="allow"' not in page.text:
            page = browser.submit(page, {})
        assert browser.submit(page, {}, button="allow").status == 200

    def permit_exchange(self) -> None:
        """Permit token exchange with two commands of manage.py.

        The documentation page describes the same steps in the admin.
        """
        service = self.printed["exchanger"].partition(":")[0]
        python = ".venv/bin/python manage.py"
        self.shell.run(
            f"{python} link_api http://localhost:8001/ --client {service}".replace("http://localhost:8001", self.api)
        )
        self.shell.run(f"{python} exchange_policy set {service} https://orders.example/ --scope orders:read")

    def user(self) -> str:
        """Return the `sub` of the demo user."""
        with closing(sqlite3.connect(self.var / "issuer.sqlite3")) as database:
            (sub,) = database.execute("SELECT sub FROM tokens_user WHERE username = 'demo'").fetchone()
        return str(sub) if "-" in str(sub) else re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", str(sub))


def credentials(reader: Reader, statement: str) -> str:
    if statement.startswith("NOTES="):
        reader.printed["exchanger"] = reader.credentials()
    return statement.replace("client_id:client_secret", reader.credentials()).replace(
        "CLIENT_ID:CLIENT_SECRET", reader.credentials()
    )


def connected(reader: Reader, statement: str) -> str:
    reader.connect()
    return statement


def permitted(reader: Reader, statement: str) -> str:
    reader.permit_exchange()
    return statement


FILLED: dict[str, Callable[[Reader, str], str]] = {
    r"client_id:client_secret|CLIENT_ID:CLIENT_SECRET": credentials,
    r"^(TV|BATCH)=client_id$": lambda reader, text: text.replace("client_id", reader.created("client_id")),
    r"^CODE=the-code$": lambda reader, text: text.replace("the-code", reader.code()),
    r"^DEVICE_CODE=": connected,
    r"^RECEIVED=": permitted,
    r"^USER_SUB=": lambda reader, text: text.replace("the-users-sub", reader.user()),
    r"oauth/register": lambda reader, text: f"TOKEN={reader.created('token')}\n{text}",
}


@pytest.fixture
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    var = prepared.copy(tmp_path_factory)
    where = Ports(free(), free(), free())
    chosen = {"DYNAMIC_REGISTRATION": "token", "OPEN_CLIENT_SCOPES": "notes:read"}
    # Longer than the 30 s of `make run`, because this machine may be busy.
    variables = environment.prepare(where, chosen | {"KEY_TIMINGS": "token_lifetime=300,rotate_every=600"}, var)
    prepared.set_up(variables, var, where)
    shell = Shell(tmp_path_factory.mktemp("project"), var, variables.issuer)
    children = [serve("issuer", variables.issuer, where.url("issuer"), var)]
    try:
        children.append(serve("api", variables.api, where.url("api"), var))
        yield Reader(shell, where.url("issuer"), where.url("api"), var, variables.demo["DEMO_PASSWORD"])
    finally:
        shell.close()
        processes.stop(children)


def is_here(line: documented.Line) -> bool:
    """Return True if the tests in this module must run the command line, according to tests/documented.py."""
    return line.page in PAGES and documented.assigned(line, documented.AS_PRINTED) == documented.REQUESTS


def test_each_command_and_request_of_the_pages_succeeds_as_it_is_printed(reader: Reader) -> None:
    for page in PAGES:
        reader.follow(page)
    ran = {" ".join(statement.replace("\\\n", " ").split()) for statement in reader.ran}
    expected = [line for line in documented.lines() if is_here(line)]
    assert len(expected) > 25
    assert [line.text for line in expected if not any(line.text[:40] in statement for statement in ran)] == []


def test_the_tutorial_leads_to_a_protected_view(reader: Reader, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    for statement in statements(ROOT / "docs" / "tutorial.md"):
        if re.search(r"create_api|create_client", statement):
            reader.say(statement)
    settings, urls = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "keyturn_resources").symlink_to(ROOT / "resources")  # in the place of the installation
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    django = Project(tmp_path, variables)
    django.run("-m", "django", "startproject", "shop", ".")
    with (tmp_path / "shop" / "settings.py").open("a") as file:
        file.write(settings.replace("http://localhost:8000", reader.issuer))
    (tmp_path / "shop" / "urls.py").write_text(urls)
    django.run("manage.py", "check")
    assert reader.issuer in django.run("manage.py", "check_issuer")
    port = free()
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", "--noreload", str(port)],
        cwd=tmp_path,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(f"http://localhost:{port}/healthz")
        token, good, bad = [text for text in statements(ROOT / "docs" / "tutorial.md") if "curl" in text]
        here = "http://localhost:8003", f"http://localhost:{port}"
        reader.say(token)
        answer = json.loads(reader.say(good.replace(*here)).splitlines()[-1])
        assert answer.get("orders") == [], answer
        assert re.search(
            r"HTTP/1\.1 401 .*www-authenticate: bearer", reader.say(bad.replace(*here)), re.IGNORECASE | re.DOTALL
        )
    finally:
        server.terminate()
        server.wait(20)


@dataclass(frozen=True, slots=True)
class Project:
    """The reader's own Django project."""

    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: str) -> str:
        """Run Python with the arguments in the project's folder, and return its output. Asserts that it succeeds."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def wait_until_ready(url: str) -> None:
    """Wait until a GET request of `url` succeeds."""

    def answers() -> bool:
        try:
            return requests.get(url, timeout=5).ok
        except requests.ConnectionError:
            return False

    wait_for(answers, within=180)
