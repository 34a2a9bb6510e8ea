"""Databases of an issuer and an API: migrated once per run of pytest, by whichever worker comes first, and copied.

The folder is a `var/` as `make run` leaves it: secrets, both databases, the first keys, the demo's users and clients.
"""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from project.launch import environment, processes
from project.launch.environment import Environments
from project.launch.ports import Ports


def template(factory: pytest.TempPathFactory) -> Path:
    """Return the folder to copy. Makes it if no worker of this run has."""
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "prepared"
    with (shared / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = shared / "draft"
            shutil.rmtree(draft, ignore_errors=True)  # of a worker that failed
            draft.mkdir()
            make(draft)
            draft.rename(folder)
    return folder


def make(var: Path) -> None:
    """Do what `make run` does before it starts servers."""
    ports = Ports()
    variables = environment.prepare(ports, {}, var)
    processes.command(variables.api, "migrate", "--verbosity", "0")
    processes.command(variables.issuer, "migrate", "--verbosity", "0")
    migrated = var / "migrated"
    migrated.mkdir()
    for name in environment.DATABASES:
        shutil.copy(var / name, migrated)
    set_up(variables, var, ports)


def copy(factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the template: a `var/` of its own."""
    var = factory.mktemp("var")
    shutil.copytree(template(factory), var, dirs_exist_ok=True)
    return var


def databases(factory: pytest.TempPathFactory, folder: Path) -> None:
    """Copy the databases into `folder`, as they are after `migrate`."""
    shutil.copytree(template(factory) / "migrated", folder, dirs_exist_ok=True)


def set_up(variables: Environments, var: Path, where: Ports) -> None:
    """Make the demo's API and clients, or bring them into step with the addresses."""
    processes.command(
        variables.issuer,
        *("demo_setup", "--credentials", str(var / "demo.env")),
        *("--api-audience", variables.api["API_AUDIENCE"]),
        *("--api-url", where.url("api"), "--webapp-url", where.url("webapp")),
    )
