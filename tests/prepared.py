"""Prepared databases of an issuer and an API. The first worker of a pytest run makes them, and every test gets a copy.

The folder with the databases has the content of `var/` after `make run`: both databases, the secrets, the first keys,
and the demo's users and clients.
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
    """Return the folder with the databases that tests copy. The first worker of this pytest run fills the folder."""
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
    """Create in the folder `var` everything that `make run` creates before it starts servers."""
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
    """Return a copy of the prepared folder, which a test uses as its `var/`."""
    var = factory.mktemp("var")
    shutil.copytree(template(factory), var, dirs_exist_ok=True)
    return var


def databases(factory: pytest.TempPathFactory, folder: Path) -> None:
    """Copy the databases into `folder`, as they are after `migrate`: without keys, users and clients."""
    shutil.copytree(template(factory) / "migrated", folder, dirs_exist_ok=True)


def set_up(variables: Environments, var: Path, where: Ports) -> None:
    """Create or update the demo's API and clients in the issuer's database. `where` has the ports of their URLs.

    Writes the credentials of the demo to demo.env in the folder `var`.
    """
    processes.command(
        variables.issuer,
        *("demo_setup", "--credentials", str(var / "demo.env")),
        *("--api-audience", variables.api["API_AUDIENCE"]),
        *("--api-url", where.url("api"), "--webapp-url", where.url("webapp")),
    )
