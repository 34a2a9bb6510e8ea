"""The files of deploy/ use only variables, commands, ports and secrets that exist.

The Django settings of each process in these files load.
"""

import os
import re
import secrets
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import load_command_class

from tests.deploy.files import (
    DEPLOY,
    ROOT,
    TIMERS,
    UNITS,
    Process,
    compose,
    dockerfile,
    entries,
    page,
    pod,
    processes,
    workloads,
)
from tests.project.test_documentation import COMMANDS

PROCESSES = list(processes())
SERVE = ("python", "-m", "project.launch.serve")
NAMES = [process.name for process in PROCESSES]
each = pytest.mark.parametrize("process", PROCESSES, ids=NAMES)
CONTENT = {
    "database_url": "postgres://keyturn:pw@127.0.0.1/db",
    "cache_url": "redis://127.0.0.1:6379/0",
    "tls_ca": "",
}
IN_SHELL = re.compile(r"python (manage\.py [\w -]+?)(?= &&|;|$)")
OF_IMAGE = {"PYTHONDONTWRITEBYTECODE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
"""Variables of Python, OpenSSL and requests."""


def commands(process: Process) -> list[list[str]]:
    """Return the words after `python` of each command line that the process runs, such as `manage.py purge_tokens`.

    Returns [] if the process has no command of its own, so that it runs the CMD of the image.
    """
    if process.command[:2] == ("sh", "-c"):
        return [shlex.split(line) for line in IN_SHELL.findall(process.command[2])]
    start = next((number for number, word in enumerate(process.command) if "python" in Path(word).name), -1)
    return [list(process.command[start + 1 :])] if process.command else []


def test_the_three_forms_have_the_processes_of_the_topology() -> None:
    assert len(PROCESSES) == len(compose()["services"]) - 3 + len(workloads()) + len(UNITS)
    started = [" ".join(words) for process in PROCESSES for words in commands(process)]
    for command in ("rotate_keys", "purge_tokens", "send_logouts"):
        assert sum(f"manage.py {command}" in line for line in started) >= len(("compose", "Kubernetes", "systemd")), (
            command
        )


@each
def test_each_variable_is_described(process: Process) -> None:
    described = set(re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name.removesuffix("_FILE") for name in process.environment if name not in OF_IMAGE}
    assert len(named) > 4
    assert named - described == set()


@each
def test_each_command_is_there_with_its_options(process: Process) -> None:
    for program, *words in commands(process):
        if program == "-m":
            assert words[0] == "project.launch.serve"
            continue
        assert program == "manage.py"
        name, *options = words
        if name == "migrate":
            continue
        parser = load_command_class(COMMANDS[name], name).create_parser("manage.py", name)
        parser.parse_args(options)


@pytest.mark.processes
@each
def test_the_settings_of_each_process_load_from_its_files(process: Process, tmp_path: Path) -> None:
    variables = {}
    for name, value in process.environment.items():
        variables[name] = value
        if value.startswith(f"{process.secrets}/"):
            file = tmp_path / Path(value).name
            kind = next((kind for kind in CONTENT if file.name.endswith(kind)), "")
            file.write_text(f"{CONTENT[kind] if kind else secrets.token_urlsafe(48)}\n")
            variables[name] = str(file)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        variables.pop(name, None)
    program = "from django.conf import settings as s; print(s.DEBUG, s.ALLOWED_HOSTS[0], bool(s.SECRET_KEY))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["False", process.environment["ALLOWED_HOSTS"].split(",")[0], "True"], done.stderr
    assert not any("SECRET" in name or "DATABASE_URL" in name for name in process.environment if name[-5:] != "_FILE")


def test_each_server_listens_where_it_is_asked() -> None:
    """Check that the image, its health check, nginx and the pods all use port 8000."""
    text = dockerfile()
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    assert '"8000", "--address", "0.0.0.0"' in command
    assert "http://127.0.0.1:8000/healthz" in text
    assert "EXPOSE 8000" in text
    upstreams = (DEPLOY / "nginx" / "upstreams.conf").read_text(encoding="utf-8")
    named = re.findall(r"server ([\w-]+):(\d+)", upstreams)
    assert {name for name, _ in named} <= compose()["services"].keys()
    assert {port for _, port in named} == {"8000"}
    for workload in workloads():
        (container,) = pod(workload)["spec"]["containers"]
        if workload["kind"] == "Deployment":
            assert container["command"][:4] == [*SERVE, "8000"]
            assert container["ports"] == [{"name": "http", "containerPort": 8000}]


@pytest.mark.parametrize("name", ["issuer", "api"])
def test_a_unit_serves_as_the_page_says(name: str) -> None:
    (start,) = entries(DEPLOY / "systemd" / f"keyturn-{name}.service", "ExecStart")
    heading = {"issuer": "The issuer", "api": "The API"}[name]
    section = page("deploy.md").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert f"$ {start.removeprefix('/srv/keyturn/')}\n" in section


def test_each_timer_starts_a_unit_once_and_each_job_has_a_timer() -> None:
    jobs = {unit.stem for unit in UNITS if "oneshot" in unit.read_text(encoding="utf-8")}
    assert {timer.stem for timer in TIMERS} == jobs
    assert len(jobs) == 3


def test_secrets_are_given_to_those_that_read_them_and_to_no_other() -> None:
    declared = compose()["secrets"].keys()
    readers: dict[str, set[str]] = {}
    for name, service in compose()["services"].items():
        given = {entry if isinstance(entry, str) else entry["source"] for entry in service.get("secrets", ())}
        assert given <= declared
        read = {Path(value).name for value in service.get("environment", {}).values() if "/run/secrets/" in value}
        assert name in {"proxy", "database"} or given == read
        for secret in given:
            readers.setdefault(secret, set()).add(name)
    assert readers.keys() == declared
    assert readers["key_encryption_keys"] == {*readers["issuer_database_url"]} <= {
        "issuer-one", "issuer-two", "migrate", "rotate-keys", "purge-tokens", "send-logouts",
    }  # fmt: skip
    for unit in UNITS:
        credentials = {line.split(":")[0] for line in entries(unit, "LoadCredential")}
        assert credentials == {line.rpartition("/")[2] for line in entries(unit, "Environment") if "%d/" in line}
    page_makes = set(re.findall(r"--from-file=(\w+)", page("containers.md")))
    assert page_makes == {"secret_key", "key_encryption_keys", "database_url", "cache_url"}
