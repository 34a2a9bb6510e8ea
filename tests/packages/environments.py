"""Builds the packages of this tree once per run of pytest, and installs them into environments of their own.

uv keeps what it downloads in its cache, so that only the first run on a machine downloads anything. The versions are
those of the lock.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
UV = Path(sys.executable).parent / "uv"


def run(*command: str | Path, folder: Path = ROOT, **variables: str) -> str:
    """Return the output of a command. Fails with its errors."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJANGO_"))}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def built(factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the four files that `make packages` makes. Makes it if no worker of this run has."""
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "packages"
    with (shared / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for project in (".", "resources"):
                run(UV, "build", "--quiet", "--out-dir", folder, project)
            (folder / "complete").touch()
    return folder


def wheel(folder: Path, name: str) -> Path:
    """Return the only wheel of a distribution in the folder."""
    (found,) = folder.glob(f"{name}-*.whl")
    return found


def installed(folder: Path, *requirements: str | Path) -> Path:
    """Make an empty environment, install the requirements, and return its Python."""
    run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    lock = ("--constraint", ROOT / "requirements-dev.txt")
    run(UV, "pip", "install", "--quiet", "--python", python, *lock, *requirements)
    return python
