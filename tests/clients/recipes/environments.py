"""The environments of the clients: a Python environment for each lock in `environments/`, and node packages.

The environments are in var/clients/, or in the folder CLIENT_ENVIRONMENTS. An environment is made again if its lock
changes.

python -m tests.clients.recipes.environments          makes missing environments, and deletes the last test results
python -m tests.clients.recipes.environments --lock   pins the newest versions again
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
LOCKS = Path(__file__).resolve().parent / "environments"
NODE = Path(__file__).resolve().parent / "hosts" / "node"
UV = str(Path(sys.executable).parent / "uv")
LOCKED = "--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header"


def folder() -> Path:
    """Return the folder that contains the Python environments of all clients."""
    return Path(os.environ.get("CLIENT_ENVIRONMENTS", ROOT / "var" / "clients"))


def names() -> list[str]:
    """Return the names of the Python environments."""
    return sorted(path.stem for path in LOCKS.glob("*.in"))


def python(name: str) -> str:
    """Return the path of the Python interpreter of an environment.

    Makes the environment if it is missing, or if its lock has changed.
    """
    lock, place = LOCKS / f"{name}.txt", folder() / name
    stamp = _digest(lock, place)
    with _alone(name):
        if not _is_stamped(place, stamp):
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
            install = [UV, "pip", "sync", "--quiet", "--require-hashes", "--python", str(place / "bin" / "python")]
            subprocess.run([*install, str(lock)], check=True)
            (place / "stamp").write_text(stamp)
    return str(place / "bin" / "python")


def node() -> Path:
    """Return the folder of the node programs and their packages. Installs the packages if they are missing."""
    place = NODE / "node_modules"
    stamp = _digest(NODE / "package-lock.json", place)
    with _alone("node"):
        if not _is_stamped(place, stamp):
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=NODE, check=True)
            (place / "stamp").write_text(stamp)
    return NODE


def lock(name: str) -> None:
    """Write the newest versions of an environment's packages into its lock."""
    compiled = [UV, "pip", "compile", "--quiet", "--upgrade", "--no-annotate", *LOCKED.split()]
    subprocess.run([*compiled, str(LOCKS / f"{name}.in"), "-o", str(LOCKS / f"{name}.txt")], check=True)


def _digest(lock: Path, place: Path) -> str:
    # An environment belongs to its Python, and cannot be moved.
    return hashlib.sha256(f"{sys.version} {place}\n".encode() + lock.read_bytes()).hexdigest()


def _is_stamped(place: Path, stamp: str) -> bool:
    return (place / "stamp").exists() and (place / "stamp").read_text() == stamp


@contextmanager
def _alone(name: str) -> Iterator[None]:
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / f"{name}.lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for each in names():
        if sys.argv[1:] == ["--lock"]:
            lock(each)
        else:
            python(each)
    node()
    shutil.rmtree(folder() / "results", ignore_errors=True)
