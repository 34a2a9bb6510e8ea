"""Python environments with pinned packages that are not in the project's lock.

Each environment is made once, and is kept in `.environments/`.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

KEPT = Path(__file__).resolve().parent.parent / ".environments"


def nothing(_: Path) -> None:
    """Do nothing with a new environment. This is the default of `finish`."""


def programs(name: str, *locks: Path, finish: Callable[[Path], None] = nothing) -> Path:
    """Return the folder `bin` of the environment `name`, which has the packages of the lock files.

    Makes the environment if there is none for these lock files. The lock files list every package with its hash, so
    dependencies are not resolved. `finish` is called with the folder of a new environment.
    """
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()[:12]
    folder = KEPT / f"{name}-{digest}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / f"{name}.lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _uv("venv", "--quiet", "--python", sys.executable, str(folder))
            files = [word for lock in locks for word in ("-r", str(lock))]
            install = ("pip", "install", "--quiet", "--no-deps", "--require-hashes")
            _uv(*install, "--python", str(folder / "bin" / "python"), *files)
            finish(folder)
            (folder / "complete").touch()
    return folder / "bin"


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)
