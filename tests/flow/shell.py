"""A bash process that runs the code blocks of a documentation page, statement by statement.

Its working directory contains manage.py, .venv/ and the other files that the pages use.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.documented import BLOCK, ROOT

MARK = "@@done"


def statements(page: Path) -> Iterator[str]:
    """Yield the bash statements in the code blocks of a documentation page.

    A statement can have several lines, for example a whole function.
    """
    for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        pending = ""
        for line in block.splitlines():
            if kind == "console" and not pending and not line.startswith("$ "):
                continue  # output
            pending += ("\n" if pending else "") + (line.removeprefix("$ ") if kind == "console" else line)
            if not pending.endswith("\\") and is_complete(pending):
                if pending.strip():
                    yield pending
                pending = ""


def is_complete(text: str) -> bool:
    """Return True if the text is valid bash. A text that ends within a statement is not valid."""
    checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    return checked.returncode == 0 and not checked.stderr


class Shell:
    """A running bash process.

    `folder` is its working directory, which gets a symbolic link `var/` to the argument `var`. `variables` are its
    environment variables.
    """

    def __init__(self, folder: Path, var: Path, variables: dict[str, str]) -> None:
        (folder / ".venv" / "bin").mkdir(parents=True)
        python = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
        (folder / ".venv" / "bin" / "python").write_text(python)
        (folder / ".venv" / "bin" / "python").chmod(0o755)
        for name in ("manage.py", "project", "tokens", "resources"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "var").symlink_to(var)
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=variables | {"PATH": os.environ["PATH"], "NO_PROXY": "localhost,127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, statement: str) -> str:
        """Run a statement in the bash, and return its output. Asserts that the statement succeeds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{statement}\necho; echo {MARK} $?\n")
        self._process.stdin.flush()
        output = ""
        for line in self._process.stdout:
            if match := re.fullmatch(rf"{MARK} (\d+)\n", line):
                assert match[1] == "0", f"{statement}\n{output}"
                return output.strip()
            output += line
        raise AssertionError(f"the shell ended at: {statement}\n{output}")

    def close(self) -> None:
        """End the bash process."""
        self._process.communicate(timeout=60)
