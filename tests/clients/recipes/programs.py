"""Processes that run a client in its environment: a website, or a program that needs a user with a browser."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.services.conftest import wait_for

HOSTS = Path(__file__).resolve().parent / "hosts"
INHERITED = ("PATH", "LANG", "TZ", "TMPDIR")


@dataclass(slots=True)
class Dialogue:
    """A running program that prints JSON documents, one per line.

    If the program needs an answer, it prints a document and then reads one line.
    """

    process: subprocess.Popen
    log: Path

    def next(self) -> dict:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.log.read_text(encoding="utf-8")
        return json.loads(line)

    def answer(self, line: str) -> dict:
        """Send a line to the program, and return the next document that it prints."""
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.next()


@contextmanager
def dialogue(command: list[str], folder: Path, variables: Mapping[str, str]) -> Iterator[Dialogue]:
    """Run a program in `folder` while the block runs, yield a `Dialogue` with it, and kill it afterwards."""
    with _running(command, folder, variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as (process, log):
        yield Dialogue(process, log)


@contextmanager
def website(command: list[str], folder: Path, variables: Mapping[str, str], *, url: str) -> Iterator[Path]:
    """Run a website while the block runs, and yield the path of its log as soon as it answers at `url`."""
    with _running(command, folder, variables) as (process, log):

        def answers() -> bool:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            try:
                return requests.get(url, timeout=20, allow_redirects=False).status_code < 500
            except requests.ConnectionError:
                return False

        wait_for(answers, within=120)
        yield log


@contextmanager
def _running(
    command: list[str], folder: Path, variables: Mapping[str, str], **pipes: int
) -> Iterator[tuple[subprocess.Popen, Path]]:
    own = {name: os.environ[name] for name in INHERITED if name in os.environ} | {"HOME": str(folder)} | dict(variables)
    log = folder / "program.log"
    with log.open("ab") as output:
        streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output} | pipes
        process = subprocess.Popen(command, cwd=folder, env=own, text=True, **streams)
    with process:
        try:
            yield process, log
        finally:
            process.kill()
