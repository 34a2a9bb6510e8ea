"""Create .venv and install the pinned packages of the lock file into it, unless that is done already.

- The lock file is requirements-dev.txt.
- This file parses and starts on Python 3.6, and needs only the standard library, so that an old `python3` gets a clear
  error.
- The stamp file is written into the environment last. If an environment has no stamp file, its creation was
  interrupted, and it is made again.
"""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Optional, Tuple  # noqa: UP035 (Python 3.6 reads this file)

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = ROOT / "requirements-dev.txt"
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "keyturn.stamp"


def obstacle(version: Tuple[int, int]) -> Optional[str]:  # noqa: UP006, UP045 (Python 3.6 reads this file)
    """Return one line that says why this Python cannot make the environment, or None if it can."""
    name = f"python{version[0]}.{version[1]}"
    if version < OLDEST:
        return (
            f"Keyturn needs Python {OLDEST[0]}.{OLDEST[1]} or later, and this is {name} ({sys.executable}). "
            "Name another one: make PYTHON=python3.11 ..."
        )
    try:
        import ensurepip  # noqa: F401, PLC0415 (a distribution may have left it out)
        import venv  # noqa: F401, PLC0415
    except ImportError as error:
        return f"This Python has no {error.name} module. On Debian and Ubuntu: apt-get install {name}-venv"
    return None


def fingerprint() -> str:
    """Return the SHA-256 of the Python version, the path of this checkout, and the lock file.

    If one of them changes, .venv must be made again.
    """
    # The folder is included because an environment cannot be moved.
    return hashlib.sha256(f"{sys.version} {ROOT}\n".encode() + LOCK.read_bytes()).hexdigest()


def is_current() -> bool:
    """Return True if .venv is complete, and its stamp file has the result of `fingerprint`."""
    return (ENVIRONMENT / "bin" / "python").exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


def make() -> None:
    """Create .venv, install the packages of the lock file, and write the stamp file.

    Raises CalledProcessError if a step fails.
    """
    print("Making .venv ... (once, about a minute)", flush=True)
    subprocess.check_call([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])  # noqa: S603
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]
    subprocess.check_call([*pip, "install", "--require-hashes", "-r", str(LOCK)])  # noqa: S603
    STAMP.write_text(fingerprint())


def main() -> None:
    """Make .venv unless it is current. Print one line and exit with 1 if that fails.

    Does nothing if .venv is a symbolic link.
    """
    if ENVIRONMENT.is_symlink():
        return  # the environment is outside of this folder and shared, so its owner keeps it current
    reason = obstacle(sys.version_info[:2])
    if reason:
        sys.exit(reason)
    import fcntl  # noqa: PLC0415 (Windows has none; there, the line above has already exited)

    with open(__file__) as lock:  # noqa: PTH123
        fcntl.flock(lock, fcntl.LOCK_EX)  # make can run two targets at once: the second waits until the first is done
        if is_current():
            return
        try:
            make()
        except KeyboardInterrupt:
            sys.exit("Interrupted. The next run makes .venv from the start.")
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"Making .venv failed: {error}")


if __name__ == "__main__":
    main()
