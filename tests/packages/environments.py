"""Builds the packages of this tree once per run of pytest, and installs them into virtual environments.

Other packages have the versions that requirements-dev.txt and FURTHER pin.
"""

import fcntl
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FURTHER = ("hatchling==1.33.0", "django-ninja==1.7.1")
"""Packages that the lock lacks."""


def run(*command: str | Path, folder: Path = ROOT, **variables: str) -> str:
    """Run a command, and return its output. Raises AssertionError with the output if the command fails.

    `variables` are environment variables in addition to those of this process.
    """
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
    """Return the folder with the four files that `make packages` makes.

    The pytest workers share the folder. The first worker that calls this function makes the files.
    """
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "packages"
    with (shared / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            python = installed(shared / "builder", "hatchling")
            for project in (ROOT, ROOT / "resources"):
                run(python, "-P", "-m", "hatchling", "build", "--directory", folder, folder=project)
            (folder / "complete").touch()
    return folder


def rebuilt(packages: Path, source: Path, folder: Path) -> None:
    """Extract the source distribution `source` in the folder, and build a wheel from it there."""
    with tarfile.open(source) as file:
        file.extractall(folder, filter="data")
    (project,) = folder.iterdir()
    python = packages.parent / "builder" / "bin" / "python"
    run(python, "-P", "-m", "hatchling", "build", "-t", "wheel", "--directory", folder, folder=project)


def wheel(folder: Path, name: str) -> Path:
    """Return the path of the only wheel in the folder that belongs to the distribution `name`."""
    (path,) = folder.glob(f"{name}-*.whl")
    return path


def installed(folder: Path, *requirements: str | Path) -> Path:
    """Make a virtual environment in the folder, install the requirements, and return its Python interpreter."""
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    # pip accepts no hashes in constraints.
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    versions = [line.removesuffix("\\").strip() for line in lines if not line.startswith(" ")]
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join([*versions, *FURTHER]), encoding="utf-8")
    run(python, "-m", "pip", "--quiet", "install", "--constraint", constraints, *requirements)
    return python
