"""docs/deploy.md, followed line by line: every command runs, and a client gets a token and calls the API."""

import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from project.launch import processes
from project.launch.ports import free
from tests.services.conftest import ROOT, server

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
REDIS = os.environ.get("TEST_CACHE_URL", "redis://127.0.0.1:6379/15")
INSTALLS = "python3 -m venv"
pytestmark = [pytest.mark.services, pytest.mark.xdist_group("deployment page")]


def block(heading: str, language: str = "console") -> str:
    """Return the only code block in this language under a heading of docs/deploy.md."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (text,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(text)


def lines(heading: str) -> list[str]:
    """Return the commands under a heading, except those that install packages, because they need a network."""
    commands = [line.removeprefix("$ ") for line in block(heading).splitlines()]
    return [line for line in commands if not line.startswith(INSTALLS)]


@dataclass
class Deployment:
    """The environment variables of issuer and API, and the folder, databases and ports that the test uses.

    These replace the values in docs/deploy.md.
    """

    folder: Path
    databases: dict[str, str]
    ports: dict[str, int] = field(default_factory=lambda: {"issuer": free(), "api": free()})
    environments: dict[str, dict[str, str]] = field(default_factory=dict)

    def adapted(self, command: str) -> str:
        """Return the command with the addresses, files and secrets of this test instead of those in docs/deploy.md."""
        for in_page, in_test in (
            ("https://issuer.example", f"http://localhost:{self.ports['issuer']}"),
            ("ALLOWED_HOSTS=issuer.example", "ALLOWED_HOSTS=localhost"),
            ("ALLOWED_HOSTS=api.example", "ALLOWED_HOSTS=localhost"),
            ("postgres://keyturn@db/keyturn", self.databases["issuer"]),
            ("postgres://keyturn@db/notes", self.databases["api"]),
            ("redis://cache:6379/0", REDIS),
            ("redis://cache:6379/1", REDIS),
            ("/var/lib/keyturn/", f"{self.folder}/"),
            ("/etc/keyturn/", f"{self.folder}/"),
            ("/srv/keyturn", str(ROOT)),
            (".venv/bin/python", sys.executable),
            ("createsuperuser", "createsuperuser --noinput"),
            ("serve 8000", f"serve {self.ports['issuer']}"),
            ("serve 8001", f"serve {self.ports['api']}"),
        ):
            command = command.replace(in_page, in_test)
        return re.sub("…", lambda _: secrets.token_urlsafe(48), command)

    def export(self, process: str, commands: list[str]) -> None:
        """Store the variables that `export` lines of the page set. `process` is `issuer` or `api`.

        Also writes the variables to an environment file with lines NAME=value.
        """
        variables = dict(
            pair.split("=", 1) for line in commands for pair in shlex.split(self.adapted(line.removeprefix("export ")))
        )
        # "Try it on loopback": without a proxy, http needs DEBUG
        self.environments[process] = variables | {"DEBUG": "true", "PATH": os.environ["PATH"]}
        text = "".join(f"{name}={value}\n" for name, value in self.environments[process].items())
        (self.folder / f"{process}.env").write_text(text, encoding="utf-8")

    def run(self, process: str | None, command: str) -> str:
        """Run one command in a shell, and return its output. Fails if the command fails.

        The command has the environment variables that `export` stored for `process` (`issuer` or `api`). If `process`
        is None, it has only PATH. It always has DJANGO_SUPERUSER_PASSWORD, too.
        """
        variables = self.environments[process] if process else {"PATH": os.environ["PATH"]}
        done = subprocess.run(
            ["sh", "-c", self.adapted(command)],
            cwd=ROOT,
            env=variables | {"DJANGO_SUPERUSER_PASSWORD": "correct horse battery"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def served(self, process: str, command: str) -> Iterator[None]:
        log = self.folder / f"{process}.log"
        with log.open("wb") as output:
            started = subprocess.Popen(
                ["sh", "-c", f"exec {self.adapted(command)}"],
                cwd=ROOT,
                env=self.environments[process],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        child = processes.Child(process, f"http://localhost:{self.ports[process]}", log, started)
        try:
            processes.wait_until_ready(child, "/readyz")
            yield
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(20)

    def url(self, process: str, path: str) -> str:
        return f"http://localhost:{self.ports[process]}{path}"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    names = {process: f"keyturn_{process}_{secrets.token_hex(6)}" for process in ("issuer", "api")}
    with psycopg.connect(server(), autocommit=True) as connection:
        for name in names.values():
            connection.execute(f"CREATE DATABASE {name}")
        try:
            urls = {process: urlsplit(server())._replace(path=f"/{name}").geturl() for process, name in names.items()}
            yield Deployment(tmp_path_factory.mktemp("deployment"), urls)
        finally:
            for name in names.values():
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def split(commands: list[str]) -> tuple[list[str], list[str], str]:
    """Split the commands into the `export` lines, the command that starts the server, and the others between them.

    Returns the exports, the others, and the server's command.
    """
    exports = [line for line in commands if line.startswith("export ")]
    *others, serve = [line for line in commands if line not in exports]
    assert "project.launch.serve" in serve
    return exports, others, serve


def test_the_page_can_be_followed_from_the_first_line_to_the_first_call(deployment: Deployment) -> None:
    issuer_exports, issuer_commands, serve_issuer = split(lines("The issuer"))
    api_exports, api_commands, serve_api = split(lines("The API"))
    deployment.export("issuer", issuer_exports)
    deployment.export("api", api_exports)
    assert not {"KEY_ENCRYPTION_KEYS", "DATABASE_URL"} & deployment.environments["api"].keys()
    for command in issuer_commands:
        deployment.run("issuer", command)
    for command in api_commands:
        deployment.run("api", command)
    register_api, create_client, check_issuer = lines_of("Register the API and a client")
    with deployment.served("issuer", serve_issuer):
        deployment.run("issuer", register_api)
        created = deployment.run("issuer", create_client)
        deployment.run("api", check_issuer)
        with deployment.served("api", serve_api):
            assert_it_works(deployment, created)
    for job in block("Scheduled jobs", "crontab").splitlines():
        deployment.run(None, re.split(r" keyturn +", job)[1])
    assert deployment.run("issuer", ".venv/bin/python manage.py keys --check").strip() == "the signing keys are healthy"
    assert (deployment.folder / "audit.jsonl").exists()


def lines_of(heading: str) -> list[str]:
    """Return the commands of every console block under a heading of docs/deploy.md."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [
        line.removeprefix("$ ")
        for text in re.findall(r"```console\n(.*?)```", section, re.DOTALL)
        for line in text.replace("\\\n", " ").splitlines()
    ]


def assert_it_works(deployment: Deployment, created: str) -> None:
    """Assert that a client with the printed credentials `created` can read notes at the API, and cannot write notes."""
    client = tuple(re.findall(r"^client_(?:id|secret) +(\S+)", created, re.MULTILINE))
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    answer = requests.post(deployment.url("issuer", "/oauth/token"), data=form, auth=client, timeout=10)
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    notes = deployment.url("api", "/api/notes/")
    assert requests.get(notes, headers=bearer, timeout=10).status_code == 200
    assert requests.post(notes, json={"text": "x"}, headers=bearer, timeout=10).status_code == 403
    assert requests.get(notes, timeout=10).status_code == 401
    assert requests.get(deployment.url("issuer", "/admin/login/"), timeout=10).status_code == 200


def test_the_service_runs_what_the_page_runs() -> None:
    unit = block("As a service", "ini")
    *_, serve = lines("The issuer")
    assert f"ExecStart=/srv/keyturn/{serve}\n" in unit
    jobs = block("Scheduled jobs", "crontab")
    assert {job for job in ("rotate_keys", "purge_tokens") if job not in jobs} == set()
    assert "EnvironmentFile=/etc/keyturn/issuer.env" in unit
    assert jobs.count("/etc/keyturn/issuer.env") == 2
