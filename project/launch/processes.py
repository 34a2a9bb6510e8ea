"""Starts child processes, each in a process group of its own, waits until they are ready, and stops them."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from project.launch.environment import ROOT, Variables

# The variables that a child inherits from the shell: none of Keyturn's, and no proxy, since all addresses are loopback.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
STARTS_WITHIN = 60.0  # seconds
STOPS_WITHIN = 4.0  # seconds after which a child is killed


class Failed(Exception):
    """A child process failed. The message names the process and ends with its last output."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running process and its log file."""

    name: str
    url: str
    log: Path
    process: "subprocess.Popen[bytes]"

    def last_words(self) -> str:
        """Return the last lines of the log, at most eight."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return "\n".join(f"  {line}" for line in lines[-8:])


def variables_for(variables: Variables, environ: Mapping[str, str]) -> Variables:
    """Return the whole environment of a child: `variables`, and those variables of `environ` that INHERITED names."""
    return {name: environ[name] for name in INHERITED if name in environ} | variables


def command(variables: Variables, *arguments: str) -> str:
    """Run `manage.py` with the variables of a process, and return its output.

    Raises Failed if the command exits with an error.
    """
    result = subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=variables_for(variables, os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise Failed(f"manage.py {arguments[0]} failed:\n{result.stderr or result.stdout}".rstrip())
    return result.stdout


def start(name: str, variables: Variables, *, url: str, var: Path) -> Child:
    """Start a server process in its own process group, and return it.

    Its log is the file `name`.log in the folder `var`. The server ends when this process ends, because that closes the
    server's stdin.
    """
    log = var / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-m", "project.launch.serve", "--end-with-stdin", url.rpartition(":")[2]],
            cwd=ROOT,
            env=variables_for(variables, os.environ),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return Child(name, url, log, process)


def wait_until_ready(child: Child, path: str, *, within: float = STARTS_WITHIN) -> None:
    """Wait until a request for `path` gets 200. Raises Failed if the child ends first, or after `within` seconds."""
    deadline = time.monotonic() + within
    while not _answers(child.url + path):
        if child.process.poll() is not None:
            raise Failed(f"The {child.name} process did not start:\n{child.last_words()}")
        if time.monotonic() > deadline:
            raise Failed(f"The {child.name} process is not ready after {within:.0f} s:\n{child.last_words()}")
        time.sleep(0.05)


def stop(children: Sequence[Child]) -> None:
    """Terminate all children, wait at most STOPS_WITHIN seconds, then kill their process groups and reap them."""
    deadline = time.monotonic() + STOPS_WITHIN
    for child in children:
        child.process.terminate()
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
        _kill_group(child.process.pid)
        child.process.wait()
        if child.process.stdin:
            child.process.stdin.close()


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # the group is empty (macOS reports that as EPERM)
        os.killpg(leader, signal.SIGKILL)


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
