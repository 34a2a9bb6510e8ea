"""The packages of other projects that a benchmark runs, and their versions."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

from bench.issuers import ROOT

NODE = ROOT / "tests" / "clients" / "node"
LOCK = ROOT / "tests" / "servers" / "requirements.txt"
SIMPLEJWT = "djangorestframework-simplejwt"


def node_version(package: str) -> str:
    """Return the version of an installed npm package."""
    package_json = json.loads((NODE / "node_modules" / package / "package.json").read_text(encoding="utf-8"))
    return str(package_json["version"])


def postgresql_version(url: str) -> str:
    """Return the version of the PostgreSQL server at the URL."""
    with psycopg.connect(url) as connection:
        return str(connection.execute("SHOW server_version").fetchall()[0][0]).partition(" ")[0]


def simplejwt() -> Path:
    """Return a folder that contains only djangorestframework-simplejwt. Installs it there if it is missing.

    The lock file tests/servers/requirements.txt pins its version.
    """
    block = re.findall(rf"^{SIMPLEJWT}==.*(?:\\\n.*)+", LOCK.read_text(encoding="utf-8"), re.MULTILINE)[0]
    folder = ROOT / ".environments" / f"bench-{hashlib.sha256(block.encode()).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "requirements.txt").write_text(block + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        wanted = ["--target", str(folder), "-r", str(folder / "requirements.txt")]
        subprocess.run([*command, *wanted], check=True)
        (folder / "complete").touch()
    return folder
