"""The Python environment of the servers that come from PyPI: pinned, made once, and kept in `.environments/`."""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent / "requirements.txt"
KEPT = Path(__file__).resolve().parent.parent.parent / ".environments"


def python() -> Path:
    """Return the interpreter of the environment. Makes the environment if the lock changed, or if there is none."""
    folder = KEPT / f"servers-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "servers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _uv("venv", "--quiet", "--python", sys.executable, str(folder))
            made = str(folder / "bin" / "python")
            _uv("pip", "install", "--quiet", "--require-hashes", "--python", made, "-r", str(LOCK))
            (folder / "complete").touch()
    return folder / "bin" / "python"


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)


def version(distribution: str) -> str:
    """Return the version of a distribution in the lock."""
    return re.findall(rf"^{distribution}(?:\[\w+\])?==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)[0]
