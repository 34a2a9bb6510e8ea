"""The linters of deploy/, pinned by tests/deploy/requirements.txt, in an environment that is made once."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent / "requirements.txt"
KEPT = Path(__file__).resolve().parent.parent.parent / ".environments"


def program(name: str) -> Path:
    """Return a program of the environment. Makes the environment if the lock changed, or if there is none."""
    folder = KEPT / f"deploy-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "deploy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _uv("venv", "--quiet", "--python", sys.executable, str(folder))
            made = str(folder / "bin" / "python")
            _uv("pip", "install", "--quiet", "--require-hashes", "--python", made, "-r", str(LOCK))
            (folder / "complete").touch()
    return folder / "bin" / name


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)
