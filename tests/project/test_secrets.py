"""No secret, key or database is under version control."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{100}|\"d\"\s*:\s*\"[A-Za-z0-9_-]{40}")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_private_key_no_database_and_no_environment_file_is_tracked():
    names = [path.name for path in tracked()]
    assert [name for name in names if name.endswith((".env", ".sqlite3", ".pem", ".key"))] == []
    assert [path for path in tracked() if PRIVATE.search(path.read_bytes())] == []


def test_a_private_key_would_be_seen():
    pem = "-----BEGIN " + "PRIVATE KEY-----\n" + "A" * 120
    assert PRIVATE.search(pem.encode())


def test_what_runs_leave_behind_is_ignored():
    for name in ("var/issuer.env", "var/issuer.sqlite3", "my.env", ".venv"):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False).returncode == 0, name
