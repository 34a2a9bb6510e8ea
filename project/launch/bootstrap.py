"""Makes .venv and installs the lock into it; does nothing when that is already done.

Runs under whatever `python3` is there, so that it can say what is wrong: it must parse and start on Python 3.6, and
needs only the standard library. The stamp is written into the environment last: an environment without it was
interrupted, and is made anew.
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
    """Why this Python cannot make the environment, in one line; None when it can."""
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


def wanted() -> str:
    """What the environment is made from: this Python, this place (an environment cannot be moved), this lock."""
    return hashlib.sha256(f"{sys.version} {ROOT}\n".encode() + LOCK.read_bytes()).hexdigest()


def is_current() -> bool:
    """Whether the environment was finished, from what is wanted now."""
    return (ENVIRONMENT / "bin" / "python").exists() and STAMP.exists() and STAMP.read_text() == wanted()


def make() -> None:
    """Make the environment from nothing and stamp it; raises CalledProcessError."""
    print("Making .venv ... (once, about a minute)", flush=True)
    subprocess.check_call([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])  # noqa: S603
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]
    subprocess.check_call([*pip, "install", "--require-hashes", "-r", str(LOCK)])  # noqa: S603
    STAMP.write_text(wanted())


def main() -> None:
    """Leave a current environment behind, or exit 1 with one line that says why not."""
    if ENVIRONMENT.is_symlink():
        return  # an environment that somebody keeps elsewhere and shares is theirs to make
    reason = obstacle(sys.version_info[:2])
    if reason:
        sys.exit(reason)
    import fcntl  # noqa: PLC0415 (absent where the line above is what must be read)

    with open(__file__) as turn:  # noqa: PTH123
        fcntl.flock(turn, fcntl.LOCK_EX)  # of two targets at once the second waits, and finds the work done
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
